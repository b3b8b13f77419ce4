import type { TokenInfo } from "@ddscred/core";
import { shortHash } from "../pki/certificate.ts";
import { hex } from "../pki/text.ts";
import { Refusal } from "./cryptoki.ts";
import { type MockObject, type StoredObject, storedObject } from "./objects.ts";

export interface MockTokenOptions {
  readonly label: string;
  /** The user's PIN. Without one, no login is needed and nothing is hidden. */
  readonly pin?: string;
  /** Wrong PINs in a row that lock it. Default 3. */
  readonly pinTries?: number;
  /** How many are left now. Default: all of them. 0: locked; 1: the final try. */
  readonly pinTriesLeft?: number;
  /** Default: one made of the label. */
  readonly serialNumber?: string;
  readonly manufacturerID?: string;
  readonly model?: string;
  /** Whether nothing can be made, stored or removed through a backend. Default false. */
  readonly writeProtected?: boolean;
  readonly objects?: readonly MockObject[];
}

/** A token in the test's hands. */
export interface MockToken {
  readonly label: string;
  readonly serialNumber: string;
  /** Whether it is in its slot. */
  readonly present: boolean;
  readonly pinTriesLeft: number;
  /** Pulls it out: sessions and the login are gone. */
  remove(): void;
  /** Puts it back. */
  insert(): void;
  /** Stores one more object. */
  add(object: MockObject): void;
}

/** A token in memory; give it to `mockBackend`. */
export function mockToken(options: MockTokenOptions): MockToken {
  return new Token(options);
}

/** Tokens of options: made here, and no two of one label and serial number. */
export function checkedTokens(tokens: readonly MockToken[]): readonly Token[] {
  const names = new Set<string>();
  return tokens.map((token) => {
    if (!(token instanceof Token)) throw new TypeError("tokens are made by mockToken()");
    const name = JSON.stringify([token.label, token.serialNumber]);
    if (names.has(name)) throw new TypeError(`two tokens ${name}: give them different serial numbers`);
    names.add(name);
    return token;
  });
}

/** The token itself, as the module behind the backend sees it. */
export class Token implements MockToken {
  readonly info: TokenInfo;
  /** Grows when what was open is gone. */
  epoch = 0;
  readonly writeProtected: boolean;
  readonly #objects: StoredObject[] = [];
  readonly #pin: string | undefined;
  readonly #pinTries: number;
  #pinTriesLeft: number;
  #present = true;

  constructor(options: MockTokenOptions) {
    const { label, pin, pinTries = 3, manufacturerID = "ddscred", model = "Mock token" } = options;
    if (typeof label !== "string") throw new TypeError("a mock token has a label");
    const serialNumber = options.serialNumber ?? hex(shortHash(label, new Uint8Array()));
    this.info = { label, serialNumber, manufacturerID, model };
    this.writeProtected = options.writeProtected ?? false;
    this.#pin = pin;
    this.#pinTries = pinTries;
    this.#pinTriesLeft = options.pinTriesLeft ?? pinTries;
    for (const object of options.objects ?? []) this.add(object);
  }

  get label(): string {
    return this.info.label;
  }

  get serialNumber(): string {
    return this.info.serialNumber;
  }

  get present(): boolean {
    return this.#present;
  }

  get pinTriesLeft(): number {
    return this.#pinTriesLeft;
  }

  /** CKF_LOGIN_REQUIRED */
  get loginRequired(): boolean {
    return this.#pin !== undefined;
  }

  remove(): void {
    this.#present = false;
    this.epoch += 1;
  }

  insert(): void {
    this.#present = true;
  }

  add(object: MockObject): void {
    this.store(object);
  }

  /** C_CreateObject */
  store(object: MockObject): StoredObject {
    const stored = storedObject(this, object);
    this.#objects.push(stored);
    return stored;
  }

  /** C_DestroyObject */
  destroy(object: StoredObject): void {
    const place = this.#objects.indexOf(object);
    if (place < 0) throw new Refusal("CKR_OBJECT_HANDLE_INVALID");
    this.#objects.splice(place, 1);
  }

  /** C_Login as CKU_USER. */
  login(pin: string): void {
    if (this.#pinTriesLeft <= 0) throw new Refusal("CKR_PIN_LOCKED");
    if (pin === this.#pin) {
      this.#pinTriesLeft = this.#pinTries;
      return;
    }
    this.#pinTriesLeft -= 1;
    throw new Refusal(this.#pinTriesLeft === 0 ? "CKR_PIN_LOCKED" : "CKR_PIN_INCORRECT");
  }

  /** What C_FindObjects finds. */
  objects(loggedIn: boolean): readonly StoredObject[] {
    return this.#objects.filter((object) => loggedIn || !this.loginRequired || !object.private);
  }
}
