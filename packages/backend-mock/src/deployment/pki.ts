import {
  issueMockCertificate,
  type MockCertificate,
  type MockCertificateOptions,
} from "../pki/certificate.ts";
import { type MockDocumentOptions, signMockDocument } from "../pki/document.ts";
import { generateMockKey, type MockKeyKind } from "../pki/key.ts";

export interface MockPkiOptions {
  /** Kind of both CAs' keys. Default: EC P-256. */
  readonly keyKind?: MockKeyKind;
  /** The moment at which all is valid. Default: now. */
  readonly now?: Date;
  /** Further options of the identity CA, such as `notAfter` in the past. */
  readonly identityCa?: Partial<MockCertificateOptions>;
  readonly permissionsCa?: Partial<MockCertificateOptions>;
}

/** The two CAs of a DDS Security domain (DDS-Security 1.1 9.3.1, 9.4.1). Participants that share it trust each other. */
export interface MockPki {
  readonly identityCa: MockCertificate;
  readonly permissionsCa: MockCertificate;
  /** The moment at which all is valid. */
  readonly now: Date;
  /** An identity certificate with the subject `CN=name,O=Example`, valid for a year. */
  issueIdentity(name: string, options?: Partial<MockCertificateOptions>): Promise<MockCertificate>;
  /** A signed document, as the permissions CA issues it. */
  signDocument(xml: string, options?: MockDocumentOptions): Promise<string>;
}

/** Makes the two CAs of a domain. */
export async function mockPki(options: MockPkiOptions = {}): Promise<MockPki> {
  const { now = new Date(), keyKind = "ec-p256" } = options;
  const ca = async (subject: string, given: Partial<MockCertificateOptions> = {}) =>
    issueMockCertificate({
      subject,
      key: await generateMockKey(keyKind),
      notBefore: days(now, -30),
      ...given,
    });
  const identityCa = await ca("CN=Identity CA,O=Example", options.identityCa);
  const permissionsCa = await ca("CN=Permissions CA,O=Example", options.permissionsCa);
  return {
    identityCa,
    permissionsCa,
    now,
    issueIdentity: (name, given = {}) =>
      issueMockCertificate({
        subject: mockSubject(name),
        issuer: identityCa,
        notBefore: days(now, -1),
        notAfter: days(now, 365),
        ...given,
      }),
    signDocument: (xml, given = {}) => signMockDocument(xml, permissionsCa, { signingTime: now, ...given }),
  };
}

export function mockSubject(name: string): string {
  return `CN=${name.replace(/[,+\\]/g, "\\$&")},O=Example`;
}

export function days(from: Date, count: number): Date {
  return new Date(from.getTime() + count * 86_400_000);
}
