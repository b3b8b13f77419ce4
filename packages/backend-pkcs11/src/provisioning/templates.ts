import type { Template } from "../cryptoki/template.ts";
import { type NewName, naming } from "./name.ts";

/** What every private key that is stored here says of itself: it signs, and stays. */
export function privateTemplate(keyType: number, name: NewName): Template {
  return {
    CKA_KEY_TYPE: keyType,
    CKA_TOKEN: true,
    CKA_PRIVATE: true,
    CKA_SENSITIVE: true,
    CKA_EXTRACTABLE: false,
    CKA_SIGN: true,
    ...naming(name),
  };
}

export function publicTemplate(keyType: number, name: NewName): Template {
  return {
    CKA_KEY_TYPE: keyType,
    CKA_TOKEN: true,
    CKA_PRIVATE: false,
    CKA_VERIFY: true,
    ...naming(name),
  };
}
