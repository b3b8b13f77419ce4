import * as fc from "fast-check";
import t from "tap";
import { expandVariables } from "../dist/configuration/expand.js";

const environment = new Map([
  ["HOME", "/home/alice"],
  ["EMPTY", ""],
  ["NESTED", "${HOME}"],
]);
const lookup = (name: string) => environment.get(name);
const expand = (text: string) => expandVariables(text, lookup);

t.test("a text is expanded as Cyclone DDS expands it", async (t) => {
  const rows: [string, string][] = [
    ["", ""],
    ["file:plain.pem", "file:plain.pem"],
    ["file:${HOME}/x.pem", "file:/home/alice/x.pem"],
    ["${HOME}${HOME}", "/home/alice/home/alice"],
    ["${EMPTY}", ""],
    ["${HOME:-alt}", "/home/alice"],
    ["${UNSET:-alt}", "alt"],
    ["${EMPTY:-alt}", "alt"],
    ["${UNSET:-}", ""],
    ["${HOME:+alt}", "alt"],
    ["${UNSET:+alt}", ""],
    ["${EMPTY:+alt}", ""],
    ["${HOME:?message}", "/home/alice"],
    // Alternatives are expanded, values are not.
    ["${UNSET:-${HOME}/x}", "/home/alice/x"],
    ["${UNSET:-${ALSO_UNSET:-${HOME}}}", "/home/alice"],
    ["${NESTED}", "${HOME}"],
    ["${HOME:+${NESTED}}", "${HOME}"],
    // Braces of an alternative are counted; a backslash takes that meaning from the next character and stays.
    ["${UNSET:-{a}}", "{a}"],
    ["${UNSET:-a\\}b}", "a\\}b"],
    ["${UNSET:-a\\{b}", "a\\{b"],
    ["${HOME}}", "/home/alice}"],
    ["${UNSET:-a}${UNSET:-{b}}c", "a{b}c"],
    // A brace in a name is one that must be closed, as it is in an alternative.
    ["${UN{SET:-a}", "a"],
    // What is no ${ is text.
    ["$HOME", "$HOME"],
    ["$$", "$$"],
    ["$", "$"],
    ["a\\b\\", "a\\b\\"],
    ["\\${HOME}", "\\/home/alice"],
    ["$${HOME}", "$/home/alice"],
    // Any text up to : or } is a name.
    ["${:-x}", "x"],
    ["${a b:-x}", "x"],
    ["${${HOME:-x}", "x"],
  ];
  for (const [text, value] of rows) t.equal(expand(text).value, value, text || "(empty)");
});

t.test("an unset variable becomes empty and is named with its position", async (t) => {
  t.strictSame(expand("x${UNSET}y${HOME}${ALSO}"), {
    value: "xy/home/alice",
    unset: [
      { name: "UNSET", position: 1 },
      { name: "ALSO", position: 17 },
    ],
  });
  t.strictSame(expand("ab${UNSET:-cd${INNER}}").unset, [{ name: "INNER", position: 13 }]);
  t.strictSame(expand("${HOME:-${INNER}}${EMPTY}").unset, [], "an alternative not taken is not looked at");
  t.equal(expand("${U}".repeat(1000)).unset.length, 100);
});

t.test("what cannot be expanded says why and where", async (t) => {
  t.match(expand("x${UNSET:?set it}"), {
    value: undefined,
    failure: { kind: "required", name: "UNSET", message: "set it", position: 1 },
  });
  t.match(expand("${EMPTY:?}").failure, { kind: "required", name: "EMPTY", message: "" });
  t.match(expand("${UNSET:-${ALSO:?both}}").failure, { name: "ALSO", message: "both", position: 9 });
  const broken = [
    "${",
    "x${X",
    "${X:",
    "${X:}",
    "${X:=y}",
    "${X:-y",
    "${X:-{y}",
    "${X:-y\\}",
    "${UNSET:-${X}",
  ];
  for (const text of broken) t.match(expand(text), { value: undefined, failure: { kind: "syntax" } }, text);
});

t.test("alternatives nest 20 deep, and a result has 10 MiB", async (t) => {
  const nested = (depth: number) => `${"${X:-".repeat(depth)}v${"}".repeat(depth)}`;
  t.equal(expand(nested(19)).value, "v");
  t.match(expand(nested(20)), { value: undefined, failure: { kind: "depth" } });
  t.match(expand(nested(100_000)), { value: undefined, failure: { kind: "depth" } });
  const large = expandVariables("${X}".repeat(11), () => "x".repeat(1024 * 1024));
  t.match(large, { value: undefined, failure: { kind: "size" } });
});

t.test("any text comes to an end, and one without ${ is left as it is", async (t) => {
  const piece = fc.constantFrom(
    "${",
    "}",
    ":-",
    ":+",
    ":?",
    "{",
    "\\",
    "$",
    "HOME",
    "UNSET",
    "EMPTY",
    "x",
    ":",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(text, (written) => {
      const { value, failure, unset } = expand(written);
      t.equal(value === undefined, failure !== undefined);
      if (!written.includes("${") && value !== written) return false;
      const uses = [...unset, ...(failure?.name ? [failure] : [])];
      return uses.every(({ name, position }) => written.startsWith(`\${${name}`, position));
    }),
    { numRuns: 3000 },
  );
});

t.test("time grows with the text and no faster", async (t) => {
  const time = (make: (size: number) => string, size: number) => {
    const text = make(size);
    const start = performance.now();
    expand(text);
    return performance.now() - start;
  };
  const shapes: Record<string, (size: number) => string> = {
    "unset variables": (size) => "${U}".repeat(size),
    alternatives: (size) => "${U:-x}".repeat(size),
    "open variables": (size) => "${".repeat(size),
    "open braces": (size) => `\${U:-${"{".repeat(size)}`,
    "a deep alternative": (size) => `${"${U:-".repeat(19)}${"x".repeat(size)}${"}".repeat(19)}`,
  };
  for (const [name, make] of Object.entries(shapes)) {
    time(make, 100_000);
    const small = time(make, 100_000) + 1;
    const large = time(make, 1_000_000);
    t.ok(large < small * 60, `${name}: 10 times the text, ${(large / small).toFixed(1)} times the time`);
  }
});
