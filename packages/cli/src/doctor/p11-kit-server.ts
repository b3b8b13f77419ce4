import { connect } from "node:net";
import { type DoctorFinding, finding, good } from "./report.ts";

/** Whether the server of P11_KIT_SERVER_ADDRESS answers; where it does not, its module starts well and shows no token. */
export async function judgeP11KitServer(
  address: string = process.env["P11_KIT_SERVER_ADDRESS"] ?? "",
): Promise<readonly DoctorFinding[]> {
  const [, path] = /^unix:path=([^;]+)/.exec(address) ?? [];
  if (path === undefined) return [];
  const socket = decoded(path);
  const reason = await refusal(socket);
  if (reason === undefined) return [good("environment", "the server of P11_KIT_SERVER_ADDRESS answers")];
  const message = `no server answers at ${socket}, which P11_KIT_SERVER_ADDRESS names (${reason}): tokens behind p11-kit-client.so are not seen`;
  const hint =
    "Start it (`p11-kit server --provider MODULE URI`) and set the variable as it says, or unset it.";
  return [
    finding("error", "environment", message, hint, { code: "DEVICE_ERROR", location: { file: socket } }),
  ];
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Why nobody answers; undefined where somebody does. */
async function refusal(path: string): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    const end = (reason: string | undefined) => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(DEADLINE, () => end("no answer in time"));
    socket.once("connect", () => end(undefined));
    socket.once("error", ({ code = "no connection" }: NodeJS.ErrnoException) => end(code));
  });
}

/** Milliseconds. */
const DEADLINE = 2000;
