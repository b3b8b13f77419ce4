export * from "./provider.ts";
export * from "./software-signer.ts";
