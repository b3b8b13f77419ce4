import { type CandidateNames, formatPkcs11Uri } from "@ddscred/core";
import type { StoredObject } from "./objects.ts";
import type { TokenSession } from "./session.ts";
import type { Token } from "./token.ts";

/** How tokens and objects are called in errors. */
export const tokenNames: CandidateNames<TokenSession> = {
  uri: ({ token }) => tokenUri(token),
  label: ({ token }) => token.label,
};

export const objectNames: CandidateNames<StoredObject> = { uri: objectUri, label: ({ label }) => label };

export function tokenUri({ info }: Token): string {
  const { label, manufacturerID, serialNumber, model } = info;
  return formatPkcs11Uri({ token: label, manufacturer: manufacturerID, serial: serialNumber, model });
}

export function objectUri({ token, label, id, type }: StoredObject): string {
  const { label: tokenLabel, manufacturerID, serialNumber, model } = token.info;
  const onToken = { token: tokenLabel, manufacturer: manufacturerID, serial: serialNumber, model };
  return formatPkcs11Uri({ ...onToken, id, object: label, type });
}
