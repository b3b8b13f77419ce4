import type { Certificate } from "../certificate.ts";
import { type GeneralName, GeneralNameTag } from "../general-name.ts";
import { nameConstraints } from "../name-constraints.ts";
import { displayName } from "../name-format.ts";
import type { Budget } from "./budget.ts";
import { certificateError } from "./certificate-error.ts";
import { formLabels, type SubjectName, showName, subjectNames } from "./name-forms.ts";
import { type Subtree, subtree } from "./name-subtrees.ts";
import { isSelfIssued } from "./rules.ts";

const SECTION = "RFC 5280 4.2.1.10";

/**
 * Checks names against name constraints (RFC 5280 6.1.3 (b) and (c)): every CA's constraints hold for all certificates
 * below it, except self-issued ones that are not the leaf. That of each pair of certificates is found out once, and
 * every comparison is paid from the budget, because their number is the product of two lists in hostile hands.
 */
export class NameChecks {
  readonly #leaf: Certificate;
  readonly #budget: Budget;
  readonly #constraints = new Map<Certificate, Constraints | undefined>();
  readonly #names = new Map<Certificate, readonly SubjectName[]>();
  readonly #passed = new Map<Certificate, Set<Certificate>>();

  constructor(leaf: Certificate, budget: Budget) {
    this.#leaf = leaf;
    this.#budget = budget;
  }

  /**
   * @param ca whose constraints are looked at
   * @param below all certificates below it in the path
   * @throws CredentialError `NAME_CONSTRAINT_VIOLATED`, `EXTENSION_UNSUPPORTED`, `CERTIFICATE_INVALID`
   */
  check(ca: Certificate, below: readonly Certificate[]): void {
    const constraints = this.#constraintsOf(ca);
    if (constraints === undefined) return;
    let passed = this.#passed.get(ca);
    if (passed === undefined) this.#passed.set(ca, (passed = new Set()));
    for (const certificate of below) {
      if (passed.has(certificate)) continue;
      if (certificate !== this.#leaf && isSelfIssued(certificate)) continue;
      for (const name of this.#namesOf(certificate)) {
        const form = constraints.get(name.tag);
        if (form !== undefined) this.#checkName(certificate, name, form, ca);
      }
      passed.add(certificate);
    }
  }

  #checkName(certificate: Certificate, name: SubjectName, form: FormConstraints, ca: Certificate): void {
    const what = `its ${formLabels[name.tag]} ${name.shown}`;
    const { value } = name;
    if (value === undefined || !form.supported) {
      const problem = `${what} cannot be compared with the constraints of ${displayName(ca.subject)}`;
      const code = form.supported ? "NAME_CONSTRAINT_VIOLATED" : "EXTENSION_UNSUPPORTED";
      throw certificateError(code, certificate, problem, SECTION);
    }
    const lies = ({ contains }: Base, excludes: boolean) => {
      this.#budget.spend("comparisons", value.form === "directory" ? 1 + value.rdns.length : 1, certificate);
      return contains(value, excludes);
    };
    const excluded = form.excluded.find((base) => lies(base, true));
    if (excluded !== undefined) {
      const problem = `${what} is in ${quoted(excluded.name)}, which ${displayName(ca.subject)} excludes`;
      throw certificateError("NAME_CONSTRAINT_VIOLATED", certificate, problem, SECTION);
    }
    if (form.permitted.length === 0 || form.permitted.some((base) => lies(base, false))) return;
    const [first] = form.permitted;
    const others = form.permitted.length > 1 ? ` and ${form.permitted.length - 1} more` : "";
    const permitted = first === undefined ? "" : `${quoted(first.name)}${others}`;
    const problem = `${what} is not in what ${displayName(ca.subject)} permits: ${permitted}`;
    throw certificateError("NAME_CONSTRAINT_VIOLATED", certificate, problem, SECTION);
  }

  #constraintsOf(ca: Certificate): Constraints | undefined {
    if (!this.#constraints.has(ca)) this.#constraints.set(ca, readConstraints(ca));
    return this.#constraints.get(ca);
  }

  #namesOf(certificate: Certificate): readonly SubjectName[] {
    let names = this.#names.get(certificate);
    if (names === undefined) this.#names.set(certificate, (names = subjectNames(certificate)));
    return names;
  }
}

interface Base {
  readonly name: GeneralName;
  readonly contains: Subtree;
}

interface FormConstraints {
  readonly permitted: Base[];
  readonly excluded: Base[];
  /** False for a form of names that is not compared: it must then not occur below. */
  readonly supported: boolean;
}

/** By the tag of the form. */
type Constraints = ReadonlyMap<number, FormConstraints>;

function readConstraints(ca: Certificate): Constraints | undefined {
  const extension = nameConstraints(ca);
  if (extension === undefined) return undefined;
  const forms = new Map<number, FormConstraints>();
  for (const kind of ["permitted", "excluded"] as const) {
    for (const name of extension[kind]) {
      const supported = SUPPORTED.has(name.tag);
      let form = forms.get(name.tag);
      if (form === undefined) forms.set(name.tag, (form = { permitted: [], excluded: [], supported }));
      const contains = supported ? subtree(name) : () => false;
      if (contains === undefined) {
        const problem = `its nameConstraints hold a malformed ${formLabels[name.tag]}: ${quoted(name)}`;
        throw certificateError("CERTIFICATE_INVALID", ca, problem, SECTION);
      }
      form[kind].push({ name, contains });
    }
  }
  return forms;
}

const SUPPORTED = new Set<number>([
  GeneralNameTag.rfc822Name,
  GeneralNameTag.dNSName,
  GeneralNameTag.directoryName,
  GeneralNameTag.uniformResourceIdentifier,
  GeneralNameTag.iPAddress,
]);

const quoted = (name: GeneralName) => `"${showName(name)}"`;
