/** What discovery found odd. It never stops the search. */
export interface DiscoveryFinding {
  readonly severity: "error" | "warning" | "info";
  readonly message: string;
  /** What to do. */
  readonly hint: string;
  readonly location?: { readonly file: string; readonly line?: number };
}
