import { accessSync, constants, existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { readPinSource } from "@ddscred/backend-pkcs11";
import { CredentialError, looksLikePin, type Pkcs11Uri, parseFileUri } from "@ddscred/core";
import { accessTo } from "./files.ts";
import { type DoctorFinding, failed, finding, good, shellWord } from "./report.ts";

/** Where the PINs for a URI come from, and who else can have them: that of the URI, and the source beside it. */
export async function judgePins({ query }: Pkcs11Uri, beside: string | undefined): Promise<DoctorFinding[]> {
  const { "pin-value": value, "pin-source": source } = query;
  if (value !== undefined) return [PIN_INLINE, ...(await judgePinSource(beside))];
  // No program is run because a URI names it.
  if (source?.startsWith("|") === true) return [...(await unread(source)), ...(await judgePinSource(beside))];
  return [...(await judgePinSource(source)), ...(beside === source ? [] : await judgePinSource(beside))];
}

export const carriesPin = ({ query }: Pkcs11Uri): boolean =>
  query["pin-value"] !== undefined || query["pin-source"] !== undefined;

/** That a PIN is there, and was sent to no token. */
export const notTried = (why: string): DoctorFinding => finding("info", "uri", `PIN not tried: ${why}`, "");

/** Whether a source can be read, and who else can read it. A program is not run for that. */
export async function judgePinSource(source: string | undefined): Promise<DoctorFinding[]> {
  if (source === undefined) return [];
  if (source.startsWith("|")) return judgePinProgram(source.slice(1));
  const [, kind = "", name = ""] = /^([a-z]+):([^]*)$/i.exec(source) ?? [];
  // It may be the PIN itself, in the wrong place: reading it says what is wrong without its name.
  if (looksLikePin(name)) return await unread(source);
  if (kind.toLowerCase() === "env" && /^[a-z_]\w*$/i.test(name)) return [judgePinVariable(name)];
  if (kind.toLowerCase() !== "file") return await unread(source);
  try {
    const judged = judgePinFile(parseFileUri(source).path);
    return judged.severity === "error" ? [judged] : [...(await unread(source)), judged];
  } catch (error) {
    if (error instanceof CredentialError) return [failed("files", error)];
    throw error;
  }
}

/** What reading a source says that is wrong; what is read is not looked at. */
async function unread(source: string): Promise<DoctorFinding[]> {
  try {
    await readPinSource(source);
    return [];
  } catch (error) {
    if (error instanceof CredentialError) return [failed("files", error)];
    throw error;
  }
}

function judgePinProgram(command: string): DoctorFinding[] {
  const [program = ""] = command.split(/[ \t]+/).filter((part) => part !== "");
  const details = { code: "PIN_SOURCE_UNREADABLE" };
  if (isAbsolute(program) && isRunnable(program)) return [];
  const message = isAbsolute(program)
    ? "there is no program at the path that the pin-source names, or it cannot be run"
    : "the program of the pin-source is not named by an absolute path";
  return [finding("error", "files", message, "Name a program by its absolute path.", details)];
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function judgePinVariable(name: string): DoctorFinding {
  if (process.env[name] !== undefined) return good("environment", `${name}, the pin-source, is set`);
  const message = `${name}, the pin-source, is not set`;
  return finding("error", "environment", message, `\`read -rs ${name} && export ${name}\``, {
    code: "PIN_SOURCE_UNREADABLE",
  });
}

function judgePinFile(file: string): DoctorFinding {
  const location = { file };
  if (!existsSync(file)) {
    const hint = `Write it: \`(umask 077; cat > ${shellWord(file)})\`, the PIN, Ctrl-D.`;
    return finding("error", "files", `the PIN file ${file} does not exist`, hint, {
      location,
      code: "PIN_SOURCE_UNREADABLE",
    });
  }
  const access = accessTo(file);
  if (access === undefined || access.isPrivate) {
    return good("files", `nobody else has access to the PIN file ${file}`);
  }
  const message = `others have access to the PIN file ${file} (mode ${access.mode})`;
  return finding("error", "files", message, `\`chmod 0400 ${shellWord(file)}\``, {
    location,
    code: "PIN_EXPOSED",
  });
}

const PIN_INLINE = finding(
  "warning",
  "files",
  "the PIN stands in the URI",
  "Take it from an environment variable: pin-value=${DDS_PIN} in a configuration of Cyclone DDS, FASTDDS_PKCS11_PIN for Fast DDS; ddscred reads pin-source=file:/path, too.",
  { code: "PIN_INLINE" },
);
