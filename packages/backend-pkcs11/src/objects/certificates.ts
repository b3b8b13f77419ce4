import {
  type Certificate,
  CredentialError,
  namesEqual,
  type Pkcs11Uri,
  parseCertificate,
  sameBytes,
  selectOne,
} from "@ddscred/core";
import { CKC_X_509 } from "../cryptoki/constants.ts";
import type { Handle } from "../cryptoki/module.ts";
import type { Attributes } from "../cryptoki/template.ts";
import { quoted } from "../token/names.ts";
import type { Token } from "../token/token.ts";
import { objectNames, objectUri, search, type TokenObject } from "./search.ts";

/** A certificate as it is stored. */
interface StoredCertificate {
  readonly object: TokenObject;
  readonly certificate: Certificate;
}

/**
 * The certificates on the token that the URI names: one, or those of one chain under one label, the end
 * entity's first. Undefined where nothing that is visible matches.
 *
 * `OBJECT_AMBIGUOUS` where they are no chain, `CERTIFICATE_INVALID`, `DER_INVALID`.
 */
export async function findCertificates(
  token: Token,
  uri: Pkcs11Uri,
  text: string,
): Promise<readonly Certificate[] | undefined> {
  return await token.use(async (session) => {
    const stored: StoredCertificate[] = [];
    const matching = await token.selections.find(token, session, "cert", uri.path);
    // That many are no chain, whatever they are.
    if (matching.length > LONGEST_CHAIN)
      selectOne(matching, matching, objectNames(token), { uri: text, what: "certificate" });
    for (const object of matching) {
      const certificate = await readCertificate(token, session, object).catch((error: unknown) => {
        throw naming(object, matching.length, error);
      });
      if (certificate === undefined) continue;
      const known = stored.some((other) => sameBytes(other.certificate.der, certificate.der));
      if (!known) stored.push({ object, certificate });
    }
    if (stored.length === 0) return undefined;
    const wanted = withoutAttestations(stored);
    const chain = inOrder(wanted.map(({ certificate }) => certificate));
    if (chain !== undefined) return chain;
    const objects = wanted.map(({ object }) => object);
    selectOne(objects, objects, objectNames(token), { uri: text, what: "certificate" });
    return undefined;
  });
}

/** `OBJECT_NOT_FOUND`, with the nearest of the labels that are there. */
export async function noCertificate(token: Token, text: string): Promise<CredentialError> {
  const all = await token.use((session) => search(token.module, session, "cert", {}));
  try {
    selectOne([], all, objectNames(token), { uri: text, what: "certificate" });
  } catch (error) {
    if (error instanceof CredentialError) return token.isOpen ? error : hidden(error);
  }
  return new CredentialError("OBJECT_NOT_FOUND", "no certificate matches", { uri: text });
}

/** The certificate of an object; undefined where it is no X.509 certificate (CKA_CERTIFICATE_TYPE). */
export async function readCertificate(
  token: Token,
  session: Handle,
  object: TokenObject,
): Promise<Certificate | undefined> {
  const said = await token.module.attributes(session, object.handle, certificateAttributes);
  return certificateFrom(token, object, said);
}

/** What {@link readCertificate} reads. */
export const certificateAttributes = ["CKA_CERTIFICATE_TYPE", "CKA_VALUE"] as const;
export type CertificateAttributes = Attributes<(typeof certificateAttributes)[number]>;

/** The certificate out of the attributes of an object. */
export function certificateFrom(
  token: Token,
  object: TokenObject,
  said: CertificateAttributes,
): Certificate | undefined {
  if ((said.CKA_CERTIFICATE_TYPE ?? CKC_X_509) !== CKC_X_509) return undefined;
  const { CKA_VALUE: value } = said;
  const uri = objectUri(token, object);
  if (value === undefined || value.length === 0) {
    throw new CredentialError(
      "CERTIFICATE_INVALID",
      "the certificate object holds no certificate (CKA_VALUE)",
      { uri },
    );
  }
  try {
    return parseCertificate(value);
  } catch (error) {
    throw error instanceof CredentialError ? error.with({ uri }) : error;
  }
}

/** The error, with words for which of the objects it is about. */
function naming({ label, id }: TokenObject, count: number, error: unknown): unknown {
  // What has a return value is about the token, and reads on as it is.
  if (!(error instanceof CredentialError) || error.rv !== undefined) return error;
  const { code, message, hint, uri, rule, section, position } = error;
  const place = id.length > 0 ? ` (id ${Buffer.from(id).toString("hex")})` : "";
  const among = count > 1 ? `, one of ${count} that match` : "";
  return new CredentialError(code, `certificate object ${quoted(label)}${place}${among}: ${message}`, {
    hint,
    ...(uri === undefined ? {} : { uri }),
    ...(rule === undefined ? {} : { rule }),
    ...(section === undefined ? {} : { section }),
    ...(position === undefined ? {} : { position }),
  });
}

/**
 * A YubiKey shows beside each certificate another one for the same key under the same id: its maker's word that the
 * key was made on it. That counts where nothing else matches.
 */
function withoutAttestations(stored: readonly StoredCertificate[]): readonly StoredCertificate[] {
  const others = stored.filter(
    ({ certificate }) => !certificate.extensions.some(({ oid }) => oid.startsWith(YUBICO_ATTESTATION)),
  );
  return others.length > 0 ? others : stored;
}

/** The certificates as one path, each issued under the name of the next; undefined where they are not one. */
function inOrder(certificates: readonly Certificate[]): readonly Certificate[] | undefined {
  const others = new Set(certificates);
  const leaf = certificates.filter(
    (one) => !certificates.some((other) => other !== one && issued(one, other)),
  );
  let [next] = leaf;
  if (leaf.length !== 1) return undefined;
  const path: Certificate[] = [];
  while (next !== undefined) {
    const current: Certificate = next;
    path.push(current);
    others.delete(current);
    next = [...others].find((other) => issued(other, current));
  }
  return others.size === 0 ? path : undefined;
}

function issued(issuer: Certificate, subject: Certificate): boolean {
  return namesEqual(issuer.subject, subject.issuer);
}

function hidden(error: CredentialError): CredentialError {
  return new CredentialError(error.code, `${error.message}; private objects are hidden without a PIN`, {
    ...(error.candidates === undefined ? {} : { candidates: error.candidates }),
    ...(error.uri === undefined ? {} : { uri: error.uri }),
  });
}

/** Extensions of the attestations of a YubiKey's PIV application: firmware, serial number, policies. */
const YUBICO_ATTESTATION = "1.3.6.1.4.1.41482.3.";

/** Certificates, each perhaps twice, in a chain that a token may hold under one label. */
const LONGEST_CHAIN = 64;
