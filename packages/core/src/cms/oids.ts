/** Object identifiers of CMS (RFC 5652 4, 5.1, 11; RFC 6211). */
export const ID_DATA = "1.2.840.113549.1.7.1";
export const ID_SIGNED_DATA = "1.2.840.113549.1.7.2";
export const CONTENT_TYPE = "1.2.840.113549.1.9.3";
export const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
export const SIGNING_TIME = "1.2.840.113549.1.9.5";
export const ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52";
/** rsaEncryption: how a SignerInfo may name RSASSA-PKCS1-v1_5 without its hash (RFC 3370 3.2). */
export const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
