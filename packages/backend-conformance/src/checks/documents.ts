import { type CredentialSource, type DocumentSource, isDocumentSource } from "@ddscred/core";
import { fails, failsWithTypeError, given, ok, sameBytes } from "../assert.ts";
import { checkOf } from "../check.ts";
import { conformanceMaterial as material } from "../material/material.ts";
import { NOT_FOUND } from "./certificates.ts";

export const documents = [
  checkOf("documents", "document() gives the bytes untouched, mixed line ends and all", async (fixture) => {
    const uri = given(fixture.uris.document, "uris.document");
    sameBytes(await reader(fixture.source).document(uri), material.document, "the document");
  }),

  checkOf("documents", "document() gives bytes that belong to the caller", async ({ source, uris }) => {
    const uri = given(uris.document, "uris.document");
    (await reader(source).document(uri)).fill(0);
    sameBytes(await reader(source).document(uri), material.document, "the document, read again");
  }),

  checkOf("documents", "document() of a URI that matches nothing fails", async ({ source, uris }) => {
    const uri = given(uris.missingDocument, "uris.missingDocument");
    const error = await fails(() => reader(source).document(uri), NOT_FOUND, "no match");
    ok(error.uri !== undefined, "the error has the uri");
  }),

  checkOf("documents", "document() wants a string", async ({ source }) => {
    await failsWithTypeError(() => reader(source).document(undefined as unknown as string), "undefined");
  }),
];

function reader(source: CredentialSource): DocumentSource {
  ok(isDocumentSource(source), "the source has document()");
  return source;
}
