export * from "./file-backend.ts";
