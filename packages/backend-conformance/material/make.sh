#!/bin/bash
# Makes src/material/pem.ts: the test keys of the conformance suite. Run once; what it made is published and
# never changes, because stores of backends hold it. Needs openssl 3 and node.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir db && touch db/index && echo 1001 > db/serial && echo 01 > db/crlnumber
cat > ca.cnf <<CNF
[ca]
default_ca = main
[main]
dir = db
database = db/index
serial = db/serial
crlnumber = db/crlnumber
new_certs_dir = db
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
default_crl_days = 30
[any]
commonName = supplied
organizationName = optional
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF
ec() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
rsa() { openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key"; }
dates="-startdate 20200101000000Z -enddate 20460101000000Z"
request() { openssl req -new -key "$1.key" -subj "/O=TEST KEY - do not trust/CN=$2" -out "$1.csr"; }
issue() { openssl ca -batch -notext -config ca.cnf $dates -in "$1.csr" -out "$1.pem" "${@:2}" 2>/dev/null; }

ec ca; request ca "ddscred conformance CA"; issue ca -selfsign -keyfile ca.key -extensions root
ec ec; request ec "ddscred conformance EC"; issue ec -extensions leaf
rsa rsa; request rsa "ddscred conformance RSA"; issue rsa -extensions leaf
for n in 1 2; do ec twin$n; request twin$n "ddscred conformance twin $n"; issue twin$n -extensions leaf; done
ec revoked; request revoked "ddscred conformance revoked"; issue revoked -extensions leaf
openssl ca -config ca.cnf -revoke revoked.pem 2>/dev/null
openssl ca -config ca.cnf -gencrl -crl_lastupdate 20200101000000Z -crl_nextupdate 20460101000000Z -out crl.pem 2>/dev/null
openssl pkcs8 -topk8 -in ec.key -out encrypted.key -v2 aes-256-cbc -passout pass:conformance-passphrase
printf '<?xml version="1.0" encoding="UTF-8"?>\n<dds><domain_access_rules/></dds>\n' > document.xml
openssl smime -sign -text -in document.xml -signer ca.pem -inkey ca.key -out document.p7s

node --input-type=module - "$here/../src/material/pem.ts" <<'JS'
import { readFileSync, writeFileSync } from "node:fs";
const pem = (file) => `\`${readFileSync(file, "latin1").trim()}\n\``;
const names = {
  caCertificate: "ca.pem", ecCertificate: "ec.pem", ecPrivateKey: "ec.key",
  ecEncryptedPrivateKey: "encrypted.key", rsaCertificate: "rsa.pem", rsaPrivateKey: "rsa.key",
  twin1Certificate: "twin1.pem", twin1PrivateKey: "twin1.key", twin2Certificate: "twin2.pem",
  twin2PrivateKey: "twin2.key", revocationList: "crl.pem",
};
const lines = Object.entries(names).map(([name, file]) => `export const ${name} = ${pem(file)};\n`);
lines.push(`/** As \`openssl smime -sign -text\` wrote it; its line ends are mixed. */
export const signedDocument =
${readFileSync("document.p7s", "latin1").split(/(?<=\n)/).map((l) => "  " + JSON.stringify(l)).join(" +\n")};
`);
writeFileSync(process.argv[2], `// TEST KEYS, published with the conformance suite: everybody has them. Never trust anything signed by them.
// Data, made once by material/make.sh with openssl; valid from 2020 to 2046. Longer than other files for that.

${lines.join("\n")}`);
JS
