import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import t from "tap";
import { certificateObject, privateKeyObject, type TokenObjectSpec } from "./objects.ts";
import { module, PIN, skip, TokenFolder } from "./softhsm.ts";
import { testToken } from "./token-fixture.ts";

const TOKEN = "Conformance";

/** The contract of a backend, on SoftHSM, with the module in this process or in one of its own. */
export async function testOnSoftHsm(isolation: "inline" | "process"): Promise<void> {
  if (skip !== false) {
    t.pass("the contract of a backend", { skip });
    return;
  }
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  folder.add(TOKEN, objects());
  await testToken(t, { name: "SoftHSM", options: { module }, label: TOKEN, pin: PIN }, [isolation]);
}

function objects(): TokenObjectSpec[] {
  const { ca, ec, rsa, twins } = material;
  return [
    certificateObject(ca.certificate.der, naming(ca)),
    certificateObject(ca.certificate.der, { label: "conformance-chain", id: "c0" }),
    certificateObject(ec.certificate.der, { label: "conformance-chain", id: "c1" }),
    ...[ec, rsa, ...twins].flatMap((pair) => [
      certificateObject(pair.certificate.der, naming(pair)),
      privateKeyObject(pair.privateKey.der, naming(pair)),
    ]),
  ];
}

function naming({ label, id }: { label: string; id: Uint8Array }): { label: string; id: string } {
  return { label, id: Buffer.from(id).toString("hex") };
}
