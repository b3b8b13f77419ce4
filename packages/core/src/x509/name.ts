/** A distinguished name (RFC 5280 4.1.2.4): RDNs in encoded order, most significant first. */
export interface DistinguishedName {
  /** DER of the Name, as received. */
  readonly der: Uint8Array;
  readonly rdns: readonly (readonly NameAttribute[])[];
}

export interface NameAttribute {
  /** Dotted OID, such as 2.5.4.3. */
  readonly type: string;
  /** Text of a string value; for other types `#` and the hex of its DER (RFC 4514 2.4). */
  readonly value: string;
  /** DER of the value. */
  readonly der: Uint8Array;
}
