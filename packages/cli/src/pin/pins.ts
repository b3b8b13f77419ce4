import { notePinSource, type PinProvider, type PinQuestion, readPinSource } from "@ddscred/backend-pkcs11";
import { Secret } from "@ddscred/core";
import { brief, LABEL } from "../terminal/style.ts";
import { askForPin, hasTerminal } from "./prompt.ts";

/**
 * The PINs that no URI holds: one out of a source, for the first token that wants a PIN and for no other, else
 * from whoever sits at the terminal. For each token it is found once in the life of the program.
 *
 * @param source as in `pin-source`; a program that it names may be run, for it is its user who names it
 * @param ask Default: the terminal, if there is one
 */
export function programPins(source?: string, ask = hasTerminal() ? askAtTerminal : undefined): PinProvider {
  if (source !== undefined) notePinSource(source);
  return async (question) => {
    const name = nameOf(question);
    let answer = answers.get(name);
    if (answer === undefined && source !== undefined && (sourceIsFor ??= name) === name) {
      answer = fromSource(source);
    }
    answer ??= inTurn(() => ask?.(question));
    answers.set(name, answer);
    wereGiven ||= (await answer) !== undefined;
    return await answer;
  };
}

/** As Fast DDS finds the PIN that no URI holds: in FASTDDS_PKCS11_PIN; without it as `otherwise` does. */
export function fastddsPins(otherwise: PinProvider): PinProvider {
  notePinSource("env:FASTDDS_PKCS11_PIN");
  return async (question) => {
    const pin = process.env["FASTDDS_PKCS11_PIN"] ?? "";
    return pin === "" ? await otherwise(question) : new Secret(pin);
  };
}

/** Whether a token got such a PIN, which no URI holds. */
export function pinsWereGiven(): boolean {
  return wereGiven;
}

/** Of the whole program: it may open a token several times. */
const answers = new Map<string, Promise<Secret | undefined>>();
let sourceIsFor: string | undefined;
let wereGiven = false;
let turn: Promise<unknown> = Promise.resolve();

async function fromSource(source: string): Promise<Secret> {
  const [program = ""] = source.slice(1).trim().split(/[ \t]/);
  return await readPinSource(source, source.startsWith("|") ? [program] : []);
}

/** One question at a time. */
async function inTurn(ask: () => Promise<Secret | undefined> | undefined): Promise<Secret | undefined> {
  const mine = turn.then(ask);
  turn = mine.catch(() => undefined);
  return await mine;
}

async function askAtTerminal({ token: { label, serialNumber } }: PinQuestion): Promise<Secret | undefined> {
  const serial = serialNumber === "" ? "" : ` (serial ${brief(serialNumber, LABEL)})`;
  return await askForPin(`PIN for token "${brief(label, LABEL)}"${serial}: `);
}

function nameOf({ token }: PinQuestion): string {
  const { manufacturerID, model, serialNumber, label } = token;
  return JSON.stringify([manufacturerID, model, serialNumber, label]);
}
