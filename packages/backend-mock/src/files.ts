import {
  type Certificate,
  CredentialError,
  certificatesFromPem,
  crlsFromPem,
  nearest,
  parseDataUri,
  parseFileUri,
  readPem,
  type Signer,
  schemesForKey,
  uriScheme,
} from "@ddscred/core";
import { importMockKey, schemeKey, signScheme } from "./pki/key.ts";
import { utf8 } from "./pki/text.ts";
import type { CallContext } from "./token/cryptoki.ts";

/** Paths, as a file: URI names them, and what the files hold. */
export type MockFiles = Readonly<Record<string, string | Uint8Array>>;

/** Answers file: URIs from memory, and data: URIs. */
export class Files {
  readonly #contents: ReadonlyMap<string, Uint8Array>;

  constructor(files: MockFiles) {
    this.#contents = new Map(
      Object.entries(files).map(([path, content]) => [
        plainPath(path),
        typeof content === "string" ? utf8(content) : content.slice(),
      ]),
    );
  }

  /** The bytes that the URI names, as a copy. */
  read({ uri, signal }: CallContext): Uint8Array {
    const inline = uriScheme(uri) === "data";
    const path = inline ? undefined : plainPath(parseFileUri(uri).path);
    const bytes = path === undefined ? parseDataUri(uri).bytes : this.#contents.get(path);
    if (signal?.aborted === true) throw new CredentialError("ABORTED", "the call was aborted", { uri });
    if (bytes === undefined) throw this.#notFound(path ?? "", uri);
    if (bytes.length === 0) throw new CredentialError("FILE_EMPTY", "the file is empty", { uri });
    return bytes.slice();
  }

  certificates(context: CallContext): readonly Certificate[] {
    return certificatesFromPem(this.read(context), { uri: context.uri });
  }

  revocationLists(context: CallContext): readonly Uint8Array[] {
    return crlsFromPem(this.read(context), { uri: context.uri });
  }

  async signer(context: CallContext): Promise<Signer> {
    const { uri } = context;
    const block = readPem(this.read(context)).find(({ label }) => label.endsWith("PRIVATE KEY"));
    if (block === undefined)
      throw new CredentialError("PEM_NOT_FOUND", "the file holds no private key", { uri });
    const key = await keyOf(block.label, block.der, uri);
    const schemes = schemesForKey(schemeKey(key.kind));
    return {
      publicKey: key.publicKey,
      schemes,
      extractable: true,
      async sign(scheme, message, options = {}) {
        if (!(message instanceof Uint8Array)) throw new TypeError("a message is a Uint8Array");
        if (options.signal?.aborted === true)
          throw new CredentialError("ABORTED", "the call was aborted", { uri });
        if (schemes.includes(scheme)) return signScheme(key, scheme, message.slice());
        const text = `a ${key.kind} key makes no ${scheme.name} signature`;
        throw new CredentialError("MECHANISM_UNSUPPORTED", text, { uri });
      },
    };
  }

  #notFound(path: string, uri: string): CredentialError {
    const near = nearest(path, [...this.#contents.keys()]);
    const text = `there is no file ${JSON.stringify(path)} among the mock's files`;
    return new CredentialError("FILE_NOT_FOUND", text, {
      uri,
      candidates: near.map((name) => `file:${name}`),
      hint: near.length === 0 ? "Give it to mockBackend as files." : `Did you mean ${near.join(", ")}?`,
    });
  }
}

/** `./a.pem` and `a.pem` are one file. */
function plainPath(path: string): string {
  return path.replace(/^(?:\.\/)+/, "");
}

async function keyOf(label: string, der: Uint8Array, uri: string) {
  if (label === "PRIVATE KEY") {
    try {
      return await importMockKey(der);
    } catch (error) {
      if (error instanceof CredentialError) throw error.with({ uri });
      throw new CredentialError("KEY_INVALID", "the private key cannot be decoded", { uri });
    }
  }
  throw new CredentialError("KEY_UNSUPPORTED", `the mock reads PRIVATE KEY blocks, not ${label}`, {
    uri,
    hint: "Convert it to PKCS#8, not encrypted: `openssl pkcs8 -topk8 -nocrypt -in KEY -out KEY.pem`.",
  });
}
