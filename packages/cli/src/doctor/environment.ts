import { existsSync, readFileSync, statSync } from "node:fs";
import { type DoctorFinding, finding, good, shellWord } from "./report.ts";

/** Which variables that matter are set, by name alone: a value may hold a PIN. */
export function judgeEnvironment(): readonly DoctorFinding[] {
  const set = variables.filter((name) => (process.env[name] ?? "") !== "");
  const seen = set.length === 0 ? "none of the variables that matter is set" : `set: ${set.join(", ")}`;
  return [good("environment", seen), ...judgeSoftHsm()];
}

/** SoftHSM without its configuration has no token and says only that it failed. */
function judgeSoftHsm(): DoctorFinding[] {
  const file = process.env["SOFTHSM2_CONF"] ?? "";
  if (file === "") return [];
  const location = { file };
  if (!existsSync(file)) {
    const message = "SOFTHSM2_CONF names a file that does not exist";
    return [
      finding("error", "environment", message, "Correct the variable, or unset it: `unset SOFTHSM2_CONF`.", {
        location,
      }),
    ];
  }
  const folder = tokenFolder(file);
  if (folder === undefined) {
    const message = "SOFTHSM2_CONF names a file that cannot be read, or has no directories.tokendir";
    return [
      finding("error", "environment", message, "Write `directories.tokendir = FOLDER` into it.", {
        location,
      }),
    ];
  }
  if (isFolder(folder)) return [];
  const message = `directories.tokendir names ${folder}, which is no folder`;
  return [finding("error", "environment", message, `\`mkdir -m 0700 ${shellWord(folder)}\``, { location })];
}

function tokenFolder(file: string): string | undefined {
  try {
    if (!statSync(file).isFile()) return undefined;
    const text = readFileSync(file, "utf8").slice(0, 65_536);
    const [, folder = ""] = /^[ \t]*directories\.tokendir[ \t]*=(.*)$/m.exec(text) ?? [];
    return folder.trim() === "" ? undefined : folder.trim();
  } catch {
    return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

const variables = [
  "CYCLONEDDS_URI",
  "FASTDDS_DEFAULT_PROFILES_FILE",
  "FASTRTPS_DEFAULT_PROFILES_FILE",
  "ROS_SECURITY_KEYSTORE",
  "OPENSSL_CONF",
  "OPENSSL_CONF_INCLUDE",
  "OPENSSL_ENGINES",
  "OPENSSL_MODULES",
  "PKCS11_MODULE_PATH",
  "PKCS11_PROVIDER_MODULE",
  "PKCS11_PROVIDER_DEBUG",
  "P11_KIT_SERVER_ADDRESS",
  "PKCS11SPY",
  "SOFTHSM2_CONF",
  "TPM2_PKCS11_STORE",
  "YKCS11_DBG",
] as const;
