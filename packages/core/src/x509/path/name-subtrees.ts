import { directoryName, type GeneralName, GeneralNameTag as Tag } from "../general-name.ts";
import { rdnKeys } from "../name-compare.ts";
import { asciiText, emailValue, isHost, type NameValue } from "./name-forms.ts";

/** Whether a name lies in a subtree. An excluded subtree also takes in a wildcard that may stand for a name in it. */
export type Subtree = (name: NameValue, excludes: boolean) => boolean;

/** The subtree below a base; undefined where the base is malformed, or of a form that is not supported. */
export function subtree({ tag, content, der }: GeneralName): Subtree | undefined {
  if (tag === Tag.directoryName) {
    const base = directoryName({ tag, content, der });
    if (base === undefined) return undefined;
    const keys = rdnKeys(base);
    return (name) => name.form === "directory" && keys.every((key, index) => name.rdns[index] === key);
  }
  if (tag === Tag.iPAddress) return ipSubtree(content);
  const text = asciiText(content)?.toLowerCase();
  if (text === undefined) return undefined;
  if (tag === Tag.dNSName) return dnsSubtree(text);
  if (tag === Tag.rfc822Name) return emailSubtree(asciiText(content) ?? "");
  if (tag === Tag.uniformResourceIdentifier) return hostSubtree(text);
  return undefined;
}

/** A host and all that is below it. */
function dnsSubtree(base: string): Subtree | undefined {
  if (base === "") return (name) => name.form === "host";
  if (!isHost(base)) return undefined;
  const below = `.${base}`;
  const labels = base.split(".").length;
  return (name, excludes) => {
    if (name.form !== "host") return false;
    if (name.host === base || name.host.endsWith(below)) return true;
    // *.example.com stands for a.example.com too.
    return (
      excludes &&
      name.host.startsWith("*.") &&
      base.endsWith(name.host.slice(1)) &&
      labels === name.host.split(".").length
    );
  };
}

/** `.example.com` is the hosts below, `example.com` the one host; an empty base is every host. */
function hostSubtree(base: string): Subtree | undefined {
  const isDomain = base.startsWith(".");
  if (base !== "" && !isHost(isDomain ? base.slice(1) : base)) return undefined;
  return (name) =>
    (name.form === "host" || name.form === "email") &&
    (base === "" || (isDomain ? name.host.endsWith(base) : name.host === base));
}

/** A mailbox, all mailboxes of a host, or those of the hosts below `.example.com`. */
function emailSubtree(base: string): Subtree | undefined {
  if (!base.includes("@")) return hostSubtree(base.toLowerCase());
  const mailbox = emailValue(base);
  if (mailbox?.form !== "email") return undefined;
  return (name) => name.form === "email" && name.local === mailbox.local && name.host === mailbox.host;
}

/** An address and a mask of its size, whose ones all come first (RFC 4632). */
function ipSubtree(content: Uint8Array): Subtree | undefined {
  if (content.length !== 8 && content.length !== 32) return undefined;
  const size = content.length / 2;
  const base = content.subarray(0, size);
  const mask = content.subarray(size);
  const bits = Array.from(mask, (octet) => octet.toString(2).padStart(8, "0")).join("");
  if (bits.includes("01")) return undefined;
  return (name) =>
    name.form === "ip" &&
    name.octets.length === size &&
    mask.every((octet, index) => (((name.octets[index] ?? 0) ^ (base[index] ?? 0)) & octet) === 0);
}
