/** `piv-card-program.js PORT FILE`: puts the card of a file into vpcd's reader at a port, until it is ended. */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { PivCard } from "./piv-card.ts";

/** What a card holds: keys as PKCS#8 PEM, certificates as base64. A certificate may be without its key. */
export interface CardFile {
  readonly pin: string;
  readonly keys: readonly { reference: number; key?: string; certificate: string; attestation?: string }[];
}

const GET_ATR = 4;

async function insert(port: number, file: string): Promise<void> {
  const { pin, keys } = JSON.parse(readFileSync(file, "utf8")) as CardFile;
  const card = new PivCard(
    pin,
    keys.map(({ reference, key, certificate, attestation }) => ({
      reference,
      ...(key === undefined ? {} : { key: createPrivateKey(key) }),
      certificate: Buffer.from(certificate, "base64"),
      ...(attestation === undefined ? {} : { attestation: Buffer.from(attestation, "base64") }),
    })),
  );
  for (;;) {
    await serve(card, port);
    await sleep(20); // the reader may not be there yet
  }
}

/** Frames of vpcd: a length of two octets, then a command, or one octet of control. */
function serve(card: PivCard, port: number): Promise<void> {
  return new Promise((resolve) => {
    const reader = connect({ port, host: "127.0.0.1", noDelay: true });
    let received = Buffer.alloc(0);
    reader.on("data", (some) => {
      received = Buffer.concat([received, some]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const length = received.readUInt16BE(0);
        const frame = received.subarray(2, 2 + length);
        received = received.subarray(2 + length);
        const answer = length === 1 ? control(card, frame[0] ?? 0) : card.answer(frame);
        if (answer !== undefined) reader.write(framed(answer));
      }
    });
    reader.on("error", () => undefined);
    reader.on("close", () => resolve());
  });
}

function control(card: PivCard, what: number): Buffer | undefined {
  if (what === GET_ATR) return card.atr;
  card.reset();
  return undefined;
}

function framed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

await insert(Number(process.argv[2]), process.argv[3] ?? "");
