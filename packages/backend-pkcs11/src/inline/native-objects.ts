import { CredentialError } from "@ddscred/core";
import {
  type AttributeName,
  type Attributes,
  attributeType,
  decodeAttribute,
  nativeTemplate,
  type Template,
} from "../cryptoki/template.ts";
import type { NativeModule } from "./binding.ts";
import { native, nativeError, returnValue } from "./native-error.ts";

/** Finds objects, reads, makes and destroys them. */
export class NativeObjects {
  readonly #native: NativeModule;

  constructor(nativeModule: NativeModule) {
    this.#native = nativeModule;
  }

  /** The handles of all that fit, a bounded number. */
  find(session: Buffer, template: Template): Buffer[] {
    const wanted = nativeTemplate(template);
    native("C_FindObjectsInit", () => this.#native.C_FindObjectsInit(session, wanted));
    try {
      const found: Buffer[] = [];
      for (;;) {
        const some = native("C_FindObjects", () => this.#native.C_FindObjects(session, FIND_AT_ONCE));
        if (some.length === 0) return found;
        found.push(...some);
        if (found.length > MAX_OBJECTS) throw tooManyObjects();
      }
    } finally {
      try {
        this.#native.C_FindObjectsFinal(session);
      } catch {
        // what the search found, or why it failed, is the answer
      }
    }
  }

  /** One sensitive or unknown attribute makes the binding lose all the values, so each is asked for alone. */
  attributes<N extends AttributeName>(session: Buffer, object: Buffer, names: readonly N[]): Attributes<N> {
    const values = names.map((name) => [name, this.#attribute(session, object, name)] as const);
    return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Attributes<N>;
  }

  /** Reads the same attributes of one object after the other: all at once, unless the objects turn out to withhold some. */
  reader<N extends AttributeName>(session: Buffer, names: readonly N[]): (object: Buffer) => Attributes<N> {
    let failures = names.length > 1 ? 0 : FAILURES;
    return (object) => {
      if (failures >= FAILURES) return this.attributes(session, object, names);
      try {
        const types = names.map((name) => ({ type: attributeType(name) })); // the binding writes into them
        const found = this.#native.C_GetAttributeValue(session, object, types);
        const values = names.map(
          (name, n) => [name, decodeAttribute(name, found[n]?.value ?? NONE)] as const,
        );
        return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Attributes<N>;
      } catch (error) {
        if (!isWithheld(error)) throw nativeError("C_GetAttributeValue", error);
        failures++;
        return this.attributes(session, object, names);
      }
    };
  }

  create(session: Buffer, template: Template): Buffer {
    const attributes = nativeTemplate(template);
    return native("C_CreateObject", () => this.#native.C_CreateObject(session, attributes));
  }

  destroy(session: Buffer, object: Buffer): void {
    native("C_DestroyObject", () => this.#native.C_DestroyObject(session, object));
  }

  #attribute(session: Buffer, object: Buffer, name: AttributeName): unknown {
    try {
      const type = attributeType(name);
      const [found] = this.#native.C_GetAttributeValue(session, object, [{ type }]);
      return found === undefined ? undefined : decodeAttribute(name, found.value);
    } catch (error) {
      if (isWithheld(error)) return undefined;
      throw nativeError("C_GetAttributeValue", error);
    }
  }
}

/** Undefined for an object that was destroyed since it was found. */
export function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CredentialError && error.rv === "CKR_OBJECT_HANDLE_INVALID") return undefined;
    throw error;
  }
}

/** The object does not have the attribute, does not show it, or has it in a form that the binding does not take. */
function isWithheld(error: unknown): boolean {
  return error instanceof TypeError || withheld.has(returnValue(error) ?? 0);
}

function tooManyObjects(): CredentialError {
  return new CredentialError("TOKEN_ERROR", `the token lists more than ${MAX_OBJECTS} objects`, {
    call: "C_FindObjects",
    hint: "Name the object by its label (object=) and id.",
  });
}

const FIND_AT_ONCE = 256;
const MAX_OBJECTS = 100_000;
/** So many objects are tried with all attributes at once. */
const FAILURES = 3;
const NONE = Buffer.alloc(0);

/** CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_INFORMATION_SENSITIVE. */
const withheld: ReadonlySet<number> = new Set([0x11, 0x12, 0x170]);
