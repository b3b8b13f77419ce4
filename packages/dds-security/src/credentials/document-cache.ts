import { type Certificate, type CryptoProvider, type VerifiedDocument, verifyDocument } from "@ddscred/core";

/** What a document says, its signature verified. */
export interface OpenedDocument<Model> {
  readonly signed: VerifiedDocument;
  /** How places in it are named. */
  readonly file: string;
  readonly model: Model;
}

export type ReadDocument<Model> = (document: VerifiedDocument, options: { file: string }) => Model;

/** Opens signed documents: verifies, then reads. */
export type OpenDocument = <Model>(
  bytes: Uint8Array,
  ca: Certificate,
  options: { readonly file: string; readonly read: ReadDocument<Model> },
) => Promise<OpenedDocument<Model>>;

export function documentOpener(crypto: CryptoProvider): OpenDocument {
  return async (bytes, ca, { file, read }) => {
    const signed = await verifyDocument(bytes, { ca, crypto });
    return { signed, file, model: read(signed, { file }) };
  };
}

/**
 * The same for many participants that have documents in common: each content is verified once for a CA, and read
 * again only where its file has another name, for places in it carry the name. What is not accepted is not kept.
 *
 * @param limit octets of documents that are kept; beyond it those go that were not used for longest
 */
export function cachingOpener(crypto: CryptoProvider, limit = KEPT): OpenDocument {
  const kept = new Map<string, Kept>();
  let size = 0;
  const keep = (key: string, document: Kept): void => {
    kept.delete(key);
    kept.set(key, document);
    for (const [oldest, { length }] of kept) {
      if (size <= limit || oldest === key) return;
      kept.delete(oldest);
      size -= length;
    }
  };
  return async <Model>(
    bytes: Uint8Array,
    ca: Certificate,
    { file, read }: { readonly file: string; readonly read: ReadDocument<Model> },
  ) => {
    const hashed = [await crypto.digest("SHA-256", bytes), await crypto.digest("SHA-256", ca.der)];
    const key = hashed.join(" ");
    const known = kept.get(key);
    if (known?.read === read && known.opened.file === file) {
      keep(key, known);
      return known.opened as OpenedDocument<Model>;
    }
    const signed = known?.opened.signed ?? (await verifyDocument(bytes, { ca, crypto }));
    const opened = { signed, file, model: read(signed, { file }) };
    if (known === undefined) size += bytes.length;
    keep(key, { opened, read, length: bytes.length });
    return opened;
  };
}

interface Kept {
  readonly opened: OpenedDocument<unknown>;
  /** A content may be asked for as governance and as permissions. */
  readonly read: ReadDocument<unknown>;
  readonly length: number;
}

/** A model takes some twenty times its text. */
const KEPT = 4 * 1024 * 1024;
