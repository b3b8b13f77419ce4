import { CredentialError, type Secret } from "@ddscred/core";
import type { Module, Slot } from "../cryptoki/module.ts";
import { inLoginTurn } from "./login-turn.ts";
import { quoted } from "./names.ts";
import { pinObstacle } from "./pin-state.ts";
import {
  isUnclear,
  mayBeSent,
  noteAccepted,
  noteFlags,
  noteLocked,
  noteRefused,
  noteSending,
  noteUntried,
  refusedCount,
  wasRefused,
} from "./sent-pins.ts";

/** How careful a backend is with the PINs of its tokens. */
export interface LoginRules {
  /** After how many refused PINs of a token, in this process, no other is sent to it. */
  readonly maxRefusedPins: number;
  /** Whether a PIN is sent where a wrong one would lock the token. */
  readonly allowFinalTry: boolean;
}

/** Stands between PINs and one token: what must not be sent is not, and what became of each is remembered. */
export class PinGuard {
  readonly #module: Module;
  readonly #slot: Slot;
  readonly #rules: LoginRules;
  readonly #name: string;
  /** As they were read last, before a PIN is sent. */
  #flags = 0;

  constructor(module: Module, slot: Slot, rules: LoginRules) {
    this.#module = module;
    this.#slot = slot;
    this.#rules = rules;
    this.#name = `the token ${quoted(slot.token.label)}`;
  }

  /** Runs a step that sends the PIN, when nobody else sends one to the token. */
  async sending<T>(pin: Secret, step: () => Promise<T>): Promise<T> {
    const { token } = this.#slot;
    return await inLoginTurn(token, async () => {
      this.checkPin(pin); // others may have sent it meanwhile
      if (isUnclear(token, pin)) await this.checkFlags();
      this.checkPin(pin);
      noteSending(token, pin, this.#flags);
      try {
        const result = await step();
        noteAccepted(token, pin);
        return result;
      } catch (error) {
        await this.#noteFailure(pin, error);
        throw error;
      }
    });
  }

  /** `PIN_LOCKED` and `PIN_REFUSED` where the token's flags say that no PIN should be sent. */
  async checkFlags(): Promise<void> {
    const flags = await this.readFlags();
    const obstacle = pinObstacle(flags, this.#rules.allowFinalTry);
    if (obstacle === undefined) return;
    const { code, message, hint } = obstacle;
    throw new CredentialError(code, `${this.#name} ${message}`, hint === undefined ? {} : { hint });
  }

  async readFlags(): Promise<number> {
    const { flags } = await this.#module.token(this.#slot.id);
    noteFlags(this.#slot.token, flags);
    this.#flags = flags;
    return flags;
  }

  /** `PIN_INCORRECT` for a PIN that was refused before, `PIN_REFUSED` for one that is not sent for another reason. */
  checkPin(pin: Secret): void {
    const { token } = this.#slot;
    if (pin.isEmpty) {
      throw new CredentialError("PIN_REFUSED", `the PIN for ${this.#name} is empty, and is not sent`, {
        hint: "Put the PIN into its source.",
      });
    }
    if (wasRefused(token, pin)) {
      const message = `the PIN for ${this.#name} was refused before and is not tried again`;
      throw new CredentialError("PIN_INCORRECT", message, {
        hint: "Correct the PIN; it cost one attempt, once.",
      });
    }
    if (mayBeSent(token, pin)) return;
    const message = `the PIN for ${this.#name} was sent and never answered clearly; the token may have counted it as wrong, so it is not sent again`;
    throw new CredentialError("PIN_REFUSED", message, {
      hint: "Mend the token, check the PIN with the vendor's tool, such as `pkcs11-tool --login`, and start again.",
    });
  }

  /** `PIN_REFUSED` after too many PINs. */
  checkCount(): void {
    const refused = refusedCount(this.#slot.token);
    if (refused < this.#rules.maxRefusedPins) return;
    const pins = refused === 1 ? "a PIN" : `${refused} PINs`;
    throw new CredentialError("PIN_REFUSED", `${this.#name} refused ${pins} already, so no other is sent`, {
      hint: "Correct the PIN that was refused, and start again.",
    });
  }

  /** What fails in a login is unclear, unless the token says that the PIN is wrong. */
  async #noteFailure(pin: Secret, error: unknown): Promise<void> {
    const { token } = this.#slot;
    const { code = "", call = "", rv = "" } = error instanceof CredentialError ? error : {};
    if (code === "PIN_INCORRECT") noteRefused(token, pin);
    else if (code === "PIN_LOCKED") {
      noteLocked(token, pin);
      await this.readFlags().catch(() => undefined); // whether it shows that it is locked
    } else if (call === "C_Sign") noteAccepted(token, pin);
    else if (call !== "C_Login" || rv === "CKR_USER_ALREADY_LOGGED_IN") noteUntried(token, pin);
  }
}
