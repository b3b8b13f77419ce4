import { type CredentialSource, isRevocationSource, type RevocationSource } from "@ddscred/core";
import { equal, fails, failsWithTypeError, given, ok, sameBytes } from "../assert.ts";
import { checkOf } from "../check.ts";
import { conformanceMaterial as material } from "../material/material.ts";
import { NOT_FOUND } from "./certificates.ts";

export const revocation = [
  checkOf("revocationLists", "revocationLists() gives the DER of each CRL", async ({ source, uris }) => {
    const uri = given(uris.revocationList, "uris.revocationList");
    const lists = await reader(source).revocationLists(uri);
    equal(lists.length, 1, "CRLs");
    sameBytes(lists[0], material.revocationList.der, "the CRL");
  }),

  checkOf("revocationLists", "revocationLists() is never empty: no match fails", async ({ source, uris }) => {
    const uri = given(uris.missingRevocationList, "uris.missingRevocationList");
    await fails(() => reader(source).revocationLists(uri), NOT_FOUND, "no match");
    const noList = await fails(() => reader(source).revocationLists(uris.ca), "any", "a certificate");
    ok(noList.uri !== undefined, "the error has the uri");
  }),

  checkOf("revocationLists", "revocationLists() wants a string", async ({ source }) => {
    await failsWithTypeError(() => reader(source).revocationLists(7 as unknown as string), "a number");
  }),
];

function reader(source: CredentialSource): RevocationSource {
  ok(isRevocationSource(source), "the source has revocationLists()");
  return source;
}
