import { CredentialError } from "@ddscred/core";
import { readXml } from "../xml/reader.ts";
import { type CycloneOptions, checkArguments, cycloneConfigurations, isCycloneRoot } from "./cyclone.ts";
import { fastddsConfigurations, isFastddsRoot } from "./fastdds.ts";
import { whatElement, whatText } from "./looks-like.ts";
import type { Configuration } from "./model.ts";

/**
 * The security configurations in a file of any implementation that is known here: Cyclone DDS or Fast DDS, told
 * apart by the root element.
 *
 * @throws CredentialError XML_INVALID where the text is no XML, CONFIG_INVALID where it is something else
 */
export function readConfiguration(
  text: string | Uint8Array,
  options: CycloneOptions,
): readonly Configuration[] {
  checkArguments(text, options);
  const place = options.file === undefined ? {} : { file: options.file };
  const seems = whatText(text);
  if (seems !== undefined) throw notConfiguration(seems, { ...place, line: 1, column: 1 });
  const root = readXml(text, { ...place, doctype: "plain" });
  if (isCycloneRoot(root)) return cycloneConfigurations(root, options);
  if (isFastddsRoot(root)) return fastddsConfigurations(root, options);
  throw notConfiguration(whatElement(root), root.location);
}

const notConfiguration = (what: string, location: NonNullable<CredentialError["location"]>) =>
  new CredentialError("CONFIG_INVALID", `this is no configuration of Cyclone DDS or Fast DDS but ${what}`, {
    location,
    hint: "Give the XML file that has <CycloneDDS>, or <dds> with <profiles>, as its root.",
  });
