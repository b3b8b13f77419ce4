import { type AbortSignalLike, CredentialError, type Pkcs11Uri, sameBytes, selectOne } from "@ddscred/core";
import { checkWanted } from "../calls.ts";
import type { Handle } from "../cryptoki/module.ts";
import { listedTypes } from "../objects/directory.ts";
import { objectNames, objectUri, search, type TokenObject } from "../objects/search.ts";
import type { OpenedToken, Token } from "../token/token.ts";

/** Removes one object. For the errors see {@link CredentialWriter.remove}. */
export async function removeObject(
  { token, pin }: OpenedToken,
  uri: Pkcs11Uri,
  text: string,
  signal: AbortSignalLike | undefined,
): Promise<void> {
  const { object: label, id, type } = uri.path;
  if (label === undefined && id === undefined) {
    throw new CredentialError("OBJECT_UNNAMED", "the URI does not say which object", {
      uri: text,
      hint: "Add object=LABEL or id= to the URI, as ddscred ls prints them.",
    });
  }
  const removeIt = async (session: Handle): Promise<void> => {
    const object = await theOne(token, session, uri, text);
    if (object.type === "private" && type !== "private") {
      throw new CredentialError("REMOVAL_REFUSED", "the URI names a private key without type=private", {
        candidates: [objectUri(token, object)],
      });
    }
    checkWanted(signal);
    await token.module.destroyObject(session, object.handle);
    const left = await search(token.module, session, object.type, { object: object.label, id: object.id });
    if (!left.some(({ handle }) => sameBytes(handle, object.handle))) return;
    throw new CredentialError(
      "TOKEN_ERROR",
      "the token says that it removed the object, and still lists it",
      {
        call: "C_DestroyObject",
      },
    );
  };
  await token.writing.inTurn(() => token.writing.use(pin, removeIt, signal));
}

async function theOne(token: Token, session: Handle, uri: Pkcs11Uri, text: string): Promise<TokenObject> {
  const types = uri.path.type === undefined ? listedTypes : [uri.path.type];
  const find = async (path: Pkcs11Uri["path"]): Promise<TokenObject[]> => {
    const found: TokenObject[] = [];
    for (const type of types) found.push(...(await search(token.module, session, type, path)));
    return found;
  };
  const matching = await find(uri.path);
  if (matching.length > 1) {
    throw new CredentialError(
      "OBJECT_AMBIGUOUS",
      `${matching.length} objects match the URI; none was removed`,
      {
        candidates: matching.map((object) => objectUri(token, object)),
        hint: "Name one of them: add type= (private, public, cert) or id= to the URI.",
      },
    );
  }
  const all = matching.length === 1 ? matching : await find({});
  return selectOne(matching, all, objectNames(token), { uri: text, what: "object" });
}
