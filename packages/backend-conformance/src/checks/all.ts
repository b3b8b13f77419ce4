import type { Check } from "../check.ts";
import { abort } from "./abort.ts";
import { ambiguity } from "./ambiguity.ts";
import { certificates } from "./certificates.ts";
import { close } from "./close.ts";
import { concurrency } from "./concurrency.ts";
import { directory } from "./directory.ts";
import { documents } from "./documents.ts";
import { errors } from "./errors.ts";
import { health } from "./health.ts";
import { keyGeneration } from "./key-generation.ts";
import { login } from "./login.ts";
import { names } from "./names.ts";
import { revocation } from "./revocation.ts";
import { secrets } from "./secrets.ts";
import { sign } from "./sign.ts";
import { signer } from "./signer.ts";
import { writing } from "./writing.ts";

/** The contract, in the order of the tests. */
export const allChecks: readonly Check[] = [
  ...names,
  ...certificates,
  ...signer,
  ...sign,
  ...ambiguity,
  ...documents,
  ...revocation,
  ...directory,
  ...keyGeneration,
  ...writing,
  ...health,
  ...login,
  ...secrets,
  ...errors,
  ...abort,
  ...concurrency,
  ...close,
];
