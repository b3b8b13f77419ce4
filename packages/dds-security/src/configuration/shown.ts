/**
 * A name as a message may quote it; undefined for what is no plain name, because a secret may have been written in
 * its place.
 */
export const shownVariable = (name: string): string | undefined =>
  /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) && !LIKE_KEY.test(name) ? name : undefined;

/** The same for the name of a property. */
export const shownProperty = (name: string): string | undefined =>
  /^[A-Za-z0-9._-]{1,80}$/.test(name) && !LIKE_KEY.test(name) ? name : undefined;

/** A run of base64 as long as a piece of a key. */
export const LIKE_KEY = /[A-Za-z0-9+/=]{25}/;
