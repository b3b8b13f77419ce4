import type { TokenObjectSpec } from "./objects.ts";

export interface Provisioning {
  /** Path of the package pkcs11js. */
  readonly binding: string;
  readonly module: string;
  readonly libraryParameters?: string;
  readonly label: string;
  readonly pin: string;
  readonly objects: readonly TokenObjectSpec[];
}

/** As much of pkcs11js as it uses. */
interface Cryptoki {
  load(path: string): void;
  C_Initialize(options: { flags: number; libraryParameters?: string }): void;
  C_GetSlotList(tokenPresent: boolean): Buffer[];
  C_GetTokenInfo(slot: Buffer): { label: string };
  C_OpenSession(slot: Buffer | undefined, flags: number): Buffer;
  C_Login(session: Buffer, user: number, pin: string): void;
  C_CreateObject(session: Buffer, template: readonly object[]): void;
  C_Finalize(): void;
}

/**
 * Puts objects on a token. It runs in a process of its own, made out of its source text, so it uses nothing
 * but its arguments: a module reads its configuration when a process first initialises it, and a login counts
 * for the whole process.
 */
export function provision(
  provisioning: Provisioning,
  load: (path: string) => { PKCS11: new () => Cryptoki },
): void {
  const { binding, module, libraryParameters, label, pin, objects } = provisioning;
  const cryptoki = new (load(binding).PKCS11)();
  cryptoki.load(module);
  const parameters = libraryParameters === undefined ? {} : { libraryParameters: `${libraryParameters}\0` };
  cryptoki.C_Initialize({ flags: 2, ...parameters });
  const slots = cryptoki.C_GetSlotList(true);
  const slot = slots.find((one) => cryptoki.C_GetTokenInfo(one).label.trim() === label);
  const session = cryptoki.C_OpenSession(slot, 6);
  cryptoki.C_Login(session, 1, pin);
  for (const object of objects) {
    const template = object.map(({ type, value }) => ({
      type,
      value: typeof value === "object" ? Buffer.from(value.hex, "hex") : value,
    }));
    cryptoki.C_CreateObject(session, template);
  }
  cryptoki.C_Finalize();
}
