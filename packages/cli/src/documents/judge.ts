import {
  type Certificate,
  CredentialError,
  type CryptoProvider,
  ddsPermissionsCaProfile,
  type VerifiedDocument,
  validatePath,
} from "@ddscred/core";
import {
  type DocumentName,
  documentName,
  documentReaders,
  documentRefusals,
  type Finding,
  finding,
  findingFromError,
  parseGovernance,
  parsePermissions,
  signedFormLimits,
} from "@ddscred/dds-security";

/** What a text is, and what is wrong with it as a document. */
export interface JudgedContent {
  readonly kind?: DocumentName;
  /** Line of the file on which the text starts. */
  readonly firstLine: number;
  readonly findings: readonly Finding[];
}

/** Judges the XML of a document, signed or not; `firstLine` is the line of the file on which it starts. */
export function judgeContent(
  xml: Uint8Array,
  place: { file?: string; firstLine?: number } = {},
): JudgedContent {
  const { firstLine = 1 } = place;
  let kind: DocumentName | undefined;
  try {
    kind = documentName(xml, place);
    if (kind === undefined) {
      const message = "the XML is neither a Governance nor a Permissions document";
      const hint =
        "Give a <dds> with <domain_access_rules> (Governance) or <permissions>; ddscred draft writes them.";
      return { firstLine, findings: [finding("DOCUMENT_INVALID", "error", message, { hint })] };
    }
    const model = kind === "governance" ? parseGovernance(xml, place) : parsePermissions(xml, place);
    const findings = model.extensions.map(({ name, location }) => {
      const message = `<${name.slice(0, 64)}> is not defined by DDS-Security, and passed over`;
      return finding("PEER_DIFFERS", "info", message, { location });
    });
    return { kind, firstLine, findings };
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    const findings = [findingFromError(error)];
    return kind === undefined ? { firstLine, findings } : { kind, firstLine, findings };
  }
}

/** What a document's text is to implementations that do not read it; lines count from `firstLine`. */
export function refusalFindings(
  document: VerifiedDocument,
  kind: DocumentName,
  firstLine: number,
): Finding[] {
  return documentRefusals(document, kind).map(({ peer, error }) => {
    const { location } = error;
    const line = location && location.line - document.contentLine + firstLine;
    return finding("PEER_DIFFERS", "warning", `${documentReaders[peer]} does not read it: ${error.message}`, {
      peers: [peer],
      ...(location && line !== undefined && { location: { ...location, line } }),
    });
  });
}

/** What implementations will not read in the signature: told, because key and scheme were asked for. */
export function signatureFindings(document: VerifiedDocument, at: Date): Finding[] {
  return signedFormLimits(document, at).map(({ readers, message, hint }) => {
    const names = readers.map((reader) => documentReaders[reader]).join(", ");
    return finding("PEER_DIFFERS", "warning", `${names}: ${message}`, { peers: readers, hint });
  });
}

/** What is wrong with a certificate as a permissions CA. */
export async function judgeCa(
  ca: Certificate,
  { at, crypto }: { at: Date; crypto: CryptoProvider },
): Promise<Finding[]> {
  try {
    await validatePath({ leaf: ca, anchors: [ca], at, crypto, profile: ddsPermissionsCaProfile });
    return [];
  } catch (error) {
    if (error instanceof CredentialError) return [findingFromError(error)];
    throw error;
  }
}

/** What each implementation that is known says about a document. */
export interface Reader {
  readonly reader: string;
  readonly name: string;
  /** Of some the reading of signatures is known, but not that of texts. */
  readonly judged: "document" | "signature";
  readonly accepts: boolean;
  readonly reasons: readonly string[];
}

export function readersOf(document: VerifiedDocument, kind: DocumentName | undefined, at: Date): Reader[] {
  const limits = signedFormLimits(document, at);
  const refusals = kind === undefined ? [] : documentRefusals(document, kind);
  return Object.entries(documentReaders).map(([reader, name]) => {
    const reasons = [
      ...limits.filter(({ readers }) => readers.some((one) => one === reader)).map(({ message }) => message),
      // Versions of an implementation read the same texts.
      ...refusals.filter(({ peer }) => reader.startsWith(peer)).map(({ error }) => error.message),
    ];
    const judged = kind !== undefined && /^(?:cyclonedds|fastdds)/.test(reader) ? "document" : "signature";
    return { reader, name, judged, accepts: reasons.length === 0, reasons };
  });
}
