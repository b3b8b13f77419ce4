import { createRequire } from "node:module";
import { CredentialError } from "@ddscred/core";
import type { NativeAttribute } from "../cryptoki/template.ts";

/**
 * As much of pkcs11js 2.1.7 as is used. It is declared here, not imported, so that this package compiles and
 * loads where the native package is not installed.
 */
export interface Binding {
  readonly PKCS11: new () => NativeModule;
  /** Its own mark of the parameter type. */
  readonly CK_PARAMS_RSA_PSS: number;
}

export interface NativeModule {
  load(path: string): void;
  C_Initialize(options: InitializeOptions): void;
  C_Finalize(): void;
  C_GetInfo(): NativeInfo;
  C_GetSlotList(tokenPresent: boolean): Buffer[];
  C_GetSlotInfo(slot: Buffer): { slotDescription: string; manufacturerID: string };
  C_GetTokenInfo(slot: Buffer): NativeTokenInfo;
  C_GetMechanismList(slot: Buffer): number[];
  C_OpenSession(slot: Buffer, flags: number): Buffer;
  C_CloseSession(session: Buffer): void;
  C_GetSessionInfo(session: Buffer): { state: number };
  C_Login(session: Buffer, user: number, pin: string): void;
  C_Logout(session: Buffer): void;
  C_FindObjectsInit(session: Buffer, template: NativeAttribute[]): void;
  C_FindObjects(session: Buffer, count: number): Buffer[];
  C_FindObjectsFinal(session: Buffer): void;
  C_GetAttributeValue(session: Buffer, object: Buffer, types: { type: number }[]): { value: Buffer }[];
  C_CreateObject(session: Buffer, template: NativeAttribute[]): Buffer;
  C_DestroyObject(session: Buffer, object: Buffer): void;
  /** On a thread of libuv. */
  C_GenerateKeyPair(
    session: Buffer,
    mechanism: NativeMechanism,
    publicKey: NativeAttribute[],
    privateKey: NativeAttribute[],
    done: (error: Error | null, keys: { publicKey: Buffer; privateKey: Buffer }) => void,
  ): void;
  C_DigestInit(session: Buffer, mechanism: NativeMechanism): void;
  C_DigestUpdate(session: Buffer, data: Buffer): void;
  C_DigestFinal(session: Buffer, output: Buffer): Buffer;
  C_SignInit(session: Buffer, mechanism: NativeMechanism, key: Buffer): void;
  C_Sign(session: Buffer, input: Buffer, output: Buffer): Buffer;
  /** On a thread of libuv. It keeps neither buffer alive. */
  C_Sign(
    session: Buffer,
    input: Buffer,
    output: Buffer,
    done: (error: Error | null, signature: Buffer) => void,
  ): void;
}

export interface InitializeOptions {
  readonly flags: number;
  /** LibraryParameters of NSS's CK_C_INITIALIZE_ARGS. */
  readonly libraryParameters?: string;
}

interface NativeInfo {
  manufacturerID: string;
  libraryDescription: string;
  cryptokiVersion: { major: number; minor: number };
  libraryVersion: { major: number; minor: number };
}

export interface NativeTokenInfo {
  label: string;
  manufacturerID: string;
  model: string;
  serialNumber: string;
  flags: number;
  maxSessionCount: number;
}

export interface NativeMechanism {
  mechanism: number;
  parameter?: { type: number; hashAlg: number; mgf: number; saltLen: number };
}

/**
 * pkcs11js, loaded when it is first needed. `BINDING_UNAVAILABLE` where it is not installed or was not built.
 *
 * @param load stands in for it in tests
 */
export async function loadBinding(load: () => unknown = requireBinding): Promise<Binding> {
  try {
    return (await load()) as Binding;
  } catch (cause) {
    throw new CredentialError(
      "BINDING_UNAVAILABLE",
      "pkcs11: URIs need the package pkcs11js, which cannot be loaded",
      {
        hint: "Install python3, make and a C++ compiler, then run `npm install pkcs11js@2.1.7`, or in a clone of ddscred `npm start`.",
        cause,
      },
    );
  }
}

/** Not by import(): a CommonJS package takes twice as long in that way. */
const requireBinding = (): unknown => createRequire(import.meta.url)("pkcs11js");
