import { CdrWriter, type Endianness } from "./cdr.ts";
import { type DataHolder, decodeDataHolder, encodeDataHolder } from "./data-holder.ts";
import { tokenInvalid } from "./fault.ts";

/** One parameter of a parameter list (DDSI-RTPS 9.4.2.11). */
export interface Parameter {
  readonly id: number;
  /** A multiple of 4 octets. */
  readonly value: Uint8Array;
}

/** A parameter list as big-endian CDR without header, ending in PID_SENTINEL: the form of `c.pdata`. */
export function encodeParameterList(parameters: readonly Parameter[]): Uint8Array {
  const writer = new CdrWriter("big");
  for (const { id, value } of parameters) {
    const padded = Math.ceil(value.length / 4) * 4;
    if (padded > 0xffff) throw new TypeError("a parameter holds at most 65,532 octets");
    writer.raw(Uint8Array.of(id >> 8, id, padded >> 8, padded));
    writer.raw(value);
    writer.align();
  }
  writer.raw(Uint8Array.of(0, PID.SENTINEL, 0, 0));
  return writer.bytes();
}

/**
 * Reads such a list up to its sentinel, which must be its end.
 *
 * @throws CredentialError `HANDSHAKE_TOKEN_INVALID`
 */
export function decodeParameterList(bytes: Uint8Array, endianness: Endianness = "big"): readonly Parameter[] {
  const little = endianness === "little";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parameters: Parameter[] = [];
  for (let at = 0; ; ) {
    if (bytes.length - at < 4) throw tokenInvalid("the participant data have no PID_SENTINEL at their end");
    const [id, length] = [view.getUint16(at, little), view.getUint16(at + 2, little)];
    at += 4;
    if (id === PID.SENTINEL) {
      if (at !== bytes.length) throw tokenInvalid("the participant data go on behind PID_SENTINEL");
      return parameters;
    }
    if (length % 4 !== 0 || length > bytes.length - at) {
      throw tokenInvalid(`a parameter of the participant data has the length ${length}, at octet ${at - 2}`);
    }
    if (parameters.length >= MAX_PARAMETERS)
      throw tokenInvalid("the participant data have too many parameters");
    parameters.push({ id, value: bytes.slice(at, at + length) });
    at += length;
  }
}

/** What a handshake says of a participant: the part of ParticipantBuiltinTopicData that security needs. */
export interface ParticipantData {
  /** 16 octets: the adjusted GUID. */
  readonly guid: Uint8Array;
  readonly identityToken?: DataHolder;
  readonly permissionsToken?: DataHolder;
  /** Masks of DDS-Security 1.1 7.4.1.6, where the participant announces them. */
  readonly securityInfo?: ParticipantSecurityInfo;
}

export interface ParticipantSecurityInfo {
  readonly participantAttributes: number;
  readonly pluginAttributes: number;
}

export function encodeParticipantData(data: ParticipantData): Uint8Array {
  const { identityToken, permissionsToken, securityInfo } = data;
  const parameters: Parameter[] = [{ id: PID.PARTICIPANT_GUID, value: data.guid }];
  if (identityToken) parameters.push({ id: PID.IDENTITY_TOKEN, value: encodeDataHolder(identityToken) });
  if (permissionsToken)
    parameters.push({ id: PID.PERMISSIONS_TOKEN, value: encodeDataHolder(permissionsToken) });
  if (securityInfo) {
    const writer = new CdrWriter("big");
    writer.uint32(securityInfo.participantAttributes);
    writer.uint32(securityInfo.pluginAttributes);
    parameters.push({ id: PID.PARTICIPANT_SECURITY_INFO, value: writer.bytes() });
  }
  return encodeParameterList(parameters);
}

/**
 * Reads `c.pdata`. Parameters that are not needed here are passed over; one that is may stand once only. Where an
 * encapsulation header (DDSI-RTPS 10.2) stands before them, PL_CDR_BE or PL_CDR_LE, it says the endianness.
 *
 * @throws CredentialError `HANDSHAKE_TOKEN_INVALID`
 */
export function decodeParticipantData(bytes: Uint8Array): ParticipantData {
  const header = ENCAPSULATIONS.find(({ octets }) => octets.every((octet, index) => bytes[index] === octet));
  const { endianness } = header ?? { endianness: "big" };
  const parameters = decodeParameterList(header ? bytes.subarray(header.octets.length) : bytes, endianness);
  const only = (id: number): Uint8Array | undefined => {
    const [first, second] = parameters.filter((parameter) => parameter.id === id);
    if (second !== undefined) throw tokenInvalid(`the participant data repeat the parameter ${hex(id)}`);
    return first?.value;
  };
  const guid = only(PID.PARTICIPANT_GUID);
  if (guid?.length !== 16)
    throw tokenInvalid("the participant data hold no PID_PARTICIPANT_GUID of 16 octets");
  const identity = only(PID.IDENTITY_TOKEN);
  const permissions = only(PID.PERMISSIONS_TOKEN);
  const info = only(PID.PARTICIPANT_SECURITY_INFO);
  if (info !== undefined && info.length !== 8) {
    throw tokenInvalid("PID_PARTICIPANT_SECURITY_INFO of the participant data has not 8 octets");
  }
  const view = info && new DataView(info.buffer, info.byteOffset);
  return {
    guid,
    ...(identity && { identityToken: decodeDataHolder(identity, endianness) }),
    ...(permissions && { permissionsToken: decodeDataHolder(permissions, endianness) }),
    ...(view && {
      securityInfo: {
        participantAttributes: view.getUint32(0, endianness === "little"),
        pluginAttributes: view.getUint32(4, endianness === "little"),
      },
    }),
  };
}

/** No parameter list begins like these: the parameters 2 and 3 are not empty. */
const ENCAPSULATIONS = [
  { octets: [0, 2, 0, 0], endianness: "big" },
  { octets: [0, 3, 0, 0], endianness: "little" },
] as const;

const hex = (id: number): string => `0x${id.toString(16).padStart(4, "0")}`;

/** DDSI-RTPS 9.6.2.2.2, DDS-Security 1.1 7.4.1.3. */
const PID = {
  SENTINEL: 0x0001,
  PARTICIPANT_GUID: 0x0050,
  IDENTITY_TOKEN: 0x1001,
  PERMISSIONS_TOKEN: 0x1002,
  PARTICIPANT_SECURITY_INFO: 0x1005,
} as const;

const MAX_PARAMETERS = 512;
