export type { FolderEntry } from "./certificate-folder.ts";
export * from "./file-backend.ts";
