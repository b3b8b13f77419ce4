import {
  basicConstraints,
  type Certificate,
  CredentialError,
  formatName,
  type ImportCertificateOptions,
  type ImportedCertificate,
  type Pkcs11Uri,
  sameBytes,
  selectOne,
} from "@ddscred/core";
import { checkWanted } from "../calls.ts";
import { CKC_X_509, CKO_CERTIFICATE } from "../cryptoki/constants.ts";
import type { Handle } from "../cryptoki/module.ts";
import { readCertificate } from "../objects/certificates.ts";
import {
  type ObjectPath,
  objectAt,
  objectNames,
  objectUri,
  search,
  type TokenObject,
} from "../objects/search.ts";
import { quoted } from "../token/names.ts";
import type { PinRequest } from "../token/pin.ts";
import type { OpenedToken, Token } from "../token/token.ts";
import { checkFree, exists, freshId, naming, unnamed } from "./name.ts";
import { privateKeysOf } from "./owner.ts";

/** Stores a certificate beside its key. For the errors see {@link CredentialWriter.importCertificate}. */
export async function importCertificate(
  { token, pin }: OpenedToken,
  uri: Pkcs11Uri,
  text: string,
  certificate: Certificate,
  options: ImportCertificateOptions,
): Promise<ImportedCertificate> {
  const store = async (session: Handle): Promise<ImportedCertificate> => {
    const key = await ownerOf(token, session, uri, text, certificate, options.withoutKey ?? false);
    const { object: label = key?.label ?? "", id: wantedId } = uri.path;
    if (label === "" && !wantedId?.length) throw unnamed(text);
    const id = key?.id ?? (wantedId?.length ? wantedId : freshId());
    await checkNew(token, session, certificate, { label, wantedId });
    await checkNotBeside(token, session, certificate, key, { label, wantedId });
    checkWanted(options.signal);
    const handle = await token.module.createObject(session, {
      CKA_CLASS: CKO_CERTIFICATE,
      CKA_CERTIFICATE_TYPE: CKC_X_509,
      CKA_TOKEN: true,
      CKA_PRIVATE: false,
      CKA_SUBJECT: certificate.subject.der,
      CKA_ISSUER: certificate.issuer.der,
      CKA_SERIAL_NUMBER: derInteger(certificate.serialNumber),
      CKA_VALUE: certificate.der,
      ...naming({ label, id, isFresh: false }),
    });
    try {
      const object = await readBack(token, session, handle, certificate);
      checkWanted(options.signal);
      const imported = { uri: objectUri(token, object) };
      return key === undefined ? imported : { ...imported, privateKeyUri: objectUri(token, key) };
    } catch (error) {
      await token.module.destroyObject(session, handle).catch(() => undefined);
      throw error;
    }
  };
  return await token.writing.inTurn(async () => {
    const imported = await token.writing.use(pin, store, options.signal);
    // Meanwhile the session was given back.
    if (options.signal?.aborted) await removeAgain(token, pin, certificate);
    checkWanted(options.signal);
    return imported;
  });
}

/** It was on the token under no name before, and nobody else had his turn. */
async function removeAgain(token: Token, pin: PinRequest, { der }: Certificate): Promise<void> {
  const remove = async (session: Handle): Promise<void> => {
    const stored = await token.module.find(session, { CKA_CLASS: CKO_CERTIFICATE, CKA_VALUE: der });
    for (const handle of stored) await token.module.destroyObject(session, handle);
  };
  await token.writing.use(pin, remove).catch(() => undefined); // that nobody waits for it is what the caller knows
}

/** The private key of the certificate: the one that the URI's id names, where it has one. */
async function ownerOf(
  token: Token,
  session: Handle,
  uri: Pkcs11Uri,
  text: string,
  certificate: Certificate,
  withoutKey: boolean,
): Promise<TokenObject | undefined> {
  const { id } = uri.path;
  const keys = await privateKeysOf(token, session, certificate.publicKey);
  if (keys.length === 0) {
    if (withoutKey || basicConstraints(certificate)?.ca === true) return undefined;
    const message = `no private key on the token belongs to the certificate of ${quoted(formatName(certificate.subject))}`;
    throw new CredentialError("KEY_MISMATCH", message, {
      hint: "Import it where its key is. To keep it apart from its key, say so (withoutKey, --without-key).",
    });
  }
  const fitting = id?.length ? keys.filter((key) => sameBytes(key.id, id)) : keys;
  if (fitting.length === 0) {
    throw new CredentialError("KEY_MISMATCH", "the private key of the certificate has another id", {
      candidates: keys.map((key) => objectUri(token, key)),
      hint: "Leave id= out of the URI: the certificate gets the id of its key.",
    });
  }
  return selectOne(fitting, fitting, objectNames(token), { uri: text, what: "private key" });
}

/** A renewed certificate may stand beside the old one of its key, under another label. */
async function checkNew(
  token: Token,
  session: Handle,
  { der }: Certificate,
  { label, wantedId }: { label: string; wantedId: Uint8Array | undefined },
): Promise<void> {
  const same = await token.module.find(session, { CKA_CLASS: CKO_CERTIFICATE, CKA_VALUE: der });
  const [first] = same;
  if (first !== undefined)
    throw exists(token, [await objectAt(token.module, session, "cert", first)], STORED_ALREADY);
  if (label !== "") await checkFree(token, session, ["cert"], { object: label });
  if (wantedId?.length) await checkFree(token, session, ["cert"], { id: wantedId });
}

const STORED_ALREADY = "It is this very certificate: there is nothing to do.";

/** Under the name of a key that is not its own, a certificate would be taken for that key's: `KEY_MISMATCH`. */
async function checkNotBeside(
  token: Token,
  session: Handle,
  { subject }: Certificate,
  own: TokenObject | undefined,
  { label, wantedId }: { label: string; wantedId: Uint8Array | undefined },
): Promise<void> {
  const paths: readonly ObjectPath[] = [
    ...(label === "" ? [] : [{ object: label }]),
    ...(wantedId?.length ? [{ id: wantedId }] : []),
  ];
  for (const path of paths) {
    const keys = await search(token.module, session, "private", path);
    if (keys.length === 0 || keys.some((key) => own?.label === key.label && sameBytes(own.id, key.id)))
      continue;
    const name = path.object === undefined ? "with this id" : quoted(label);
    const message = `the private key ${name} on the token is not that of the certificate of ${quoted(formatName(subject))}`;
    throw new CredentialError("KEY_MISMATCH", message, {
      candidates: (own === undefined ? keys : [own]).map((key) => objectUri(token, key)),
      hint:
        own === undefined
          ? "Choose another label (object=) for a certificate whose key is not there, or import the certificate of this key."
          : `Import it under the label of its key (object=${own.label}), or import the certificate of this key.`,
    });
  }
}

async function readBack(
  token: Token,
  session: Handle,
  handle: Handle,
  { der }: Certificate,
): Promise<TokenObject> {
  const object = await objectAt(token.module, session, "cert", handle);
  const stored = await readCertificate(token, session, object);
  if (stored !== undefined && sameBytes(stored.der, der)) return object;
  throw new CredentialError("TOKEN_ERROR", "the token gives back another certificate than it was given", {
    call: "C_CreateObject",
  });
}

/** CKA_SERIAL_NUMBER is the whole INTEGER, which never has as much as 128 octets (RFC 5280 4.1.2.2). */
function derInteger(content: Uint8Array): Uint8Array {
  if (content.length > 0x7f) {
    throw new CredentialError("CERTIFICATE_INVALID", "the serial number is longer than 127 octets");
  }
  return Uint8Array.of(0x02, content.length, ...content);
}
