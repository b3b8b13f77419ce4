import {
  CredentialError,
  type CredentialErrorDetails,
  type DerNode,
  DerTag,
  type ErrorCode,
  encodePem,
  type PemBlock,
  readDer,
  readPem,
} from "@ddscred/core";

/** One private key as PEM that node:crypto reads, checked as far as that is possible without the passphrase. */
export interface PrivateKeyBlock {
  readonly pem: string;
  readonly encrypted: boolean;
  /** The error of a fault of this key, with the place where it stands. */
  readonly fail: (code: ErrorCode, message: string, details?: CredentialErrorDetails) => CredentialError;
  /** PKCS#8 encryption: the bytes and their structure. */
  readonly encryptedInfo?: { readonly der: Uint8Array; readonly root: DerNode };
}

interface Place {
  readonly uri?: string;
  readonly file?: string;
}

/** Finds the first private key. `PEM_NOT_FOUND`, `PEM_INVALID`, `KEY_INVALID`, `KEY_UNSUPPORTED`. */
export function privateKeyBlock(key: Uint8Array | string, place: Place): PrivateKeyBlock {
  if (typeof key !== "string" && !isPem(key)) return derBlock(key, place);
  const blocks = pemBlocks(key, place);
  const block = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) throw noPrivateKey(blocks, place);
  const fail = failAt(place, block.line);
  if (block.label === "OPENSSH PRIVATE KEY") {
    throw fail("KEY_UNSUPPORTED", "the key is in the format of OpenSSH", {
      hint: "Convert a copy of it: `ssh-keygen -p -m PKCS8 -f COPY`.",
    });
  }
  if (block.headers.size > 0) return traditionallyEncrypted(block, fail);
  const root = structure(block.der, fail);
  const label = formOf(root);
  if (label !== block.label) {
    const held = label === undefined ? "is no private key" : `holds what belongs in ${label}`;
    throw fail("KEY_INVALID", `the block ${block.label} ${held}`);
  }
  return built(block.der, root, label, fail);
}

function pemBlocks(text: Uint8Array | string, place: Place): readonly PemBlock[] {
  try {
    return readPem(text);
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    throw failAt(place, error.location?.line)(error.code, error.message);
  }
}

function derBlock(der: Uint8Array, place: Place): PrivateKeyBlock {
  const fail = failAt(place);
  const root = structure(der, fail);
  const label = formOf(root);
  if (label === undefined)
    throw fail("KEY_INVALID", "the bytes are no private key: neither PKCS#8, PKCS#1 nor SEC1");
  return built(der, root, label, fail);
}

function built(
  der: Uint8Array,
  root: DerNode,
  label: string,
  fail: PrivateKeyBlock["fail"],
): PrivateKeyBlock {
  const encrypted = label === "ENCRYPTED PRIVATE KEY";
  return {
    pem: encodePem(label, der),
    encrypted,
    fail,
    ...(encrypted ? { encryptedInfo: { der, root } } : {}),
  };
}

/** RFC 1421 4.6.1: two headers stand between the first line and the base64, which hides the DER. */
function traditionallyEncrypted(block: PemBlock, fail: PrivateKeyBlock["fail"]): PrivateKeyBlock {
  const dekInfo = block.headers.get("DEK-Info");
  if (block.headers.get("Proc-Type") !== "4,ENCRYPTED" || dekInfo === undefined) {
    throw fail("KEY_INVALID", `the headers of the block ${block.label} are not those of an encrypted key`);
  }
  const [first = "", ...rest] = encodePem(block.label, block.der).split("\n");
  const pem = [first, "Proc-Type: 4,ENCRYPTED", `DEK-Info: ${dekInfo}`, "", ...rest].join("\n");
  return { pem, encrypted: true, fail };
}

function structure(der: Uint8Array, fail: PrivateKeyBlock["fail"]): DerNode {
  try {
    return readDer(der);
  } catch (cause) {
    throw fail("KEY_INVALID", "the private key is not strict DER", { cause });
  }
}

/** The PEM label that the outer structure calls for: told by the first types in the SEQUENCE. */
function formOf(root: DerNode): string | undefined {
  const types = root.children.map((child) => child.identifier);
  const begins = (...wanted: number[]) => wanted.every((type, index) => types[index] === type);
  if (root.identifier !== DerTag.SEQUENCE) return undefined;
  if (begins(DerTag.SEQUENCE, DerTag.OCTET_STRING)) return "ENCRYPTED PRIVATE KEY";
  if (begins(DerTag.INTEGER, DerTag.SEQUENCE, DerTag.OCTET_STRING)) return "PRIVATE KEY";
  if (begins(DerTag.INTEGER, DerTag.OCTET_STRING)) return "EC PRIVATE KEY";
  if (begins(DerTag.INTEGER, DerTag.INTEGER))
    return types.length === 6 ? "DSA PRIVATE KEY" : "RSA PRIVATE KEY";
  return undefined;
}

function noPrivateKey(blocks: readonly PemBlock[], { uri, file }: Place): CredentialError {
  const details = {
    ...(uri === undefined ? {} : { uri }),
    ...(blocks[0] === undefined ? {} : locationOf(blocks[0].line, file)),
  };
  const place = file === undefined ? "the text" : file;
  if (blocks.length === 0)
    return new CredentialError("PEM_NOT_FOUND", `${place} has no PEM block`, { ...details, hint: KEY_HINT });
  const labels = [...new Set(blocks.map(({ label }) => label))].slice(0, 4).join(", ");
  return new CredentialError("PEM_NOT_FOUND", `${place} has no private key, only ${labels}`, {
    ...details,
    hint: labels === "CERTIFICATE" ? "This is a certificate: name the file of its private key." : KEY_HINT,
  });
}

const KEY_HINT = "Name a file with a block `-----BEGIN PRIVATE KEY-----`.";

function failAt({ uri, file }: Place, line?: number): PrivateKeyBlock["fail"] {
  const where = {
    ...(uri === undefined ? {} : { uri }),
    ...(line === undefined ? {} : locationOf(line, file)),
  };
  return (code, message, details = {}) => new CredentialError(code, message, { ...where, ...details });
}

function locationOf(line: number, file: string | undefined) {
  return { location: { ...(file === undefined ? {} : { file }), line, column: 1 } };
}

function isPem(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes("-----BEGIN ");
}
