import type { Access, Decision, EndpointOptions } from "@ddscred/dds-security";
import { UsageError } from "../exit.ts";
import { type Arguments, readTags } from "../options.ts";

/** What is asked. */
export interface Question {
  readonly what: "join" | Endpoint;
  readonly topic?: string;
  readonly options: EndpointOptions;
}

const endpoints = ["topic", "publish", "subscribe", "relay"] as const;
type Endpoint = (typeof endpoints)[number];

/** The options that ask, for readArguments. */
export const questionOptions = {
  join: { type: "boolean" },
  topic: { type: "string", multiple: true },
  publish: { type: "string", multiple: true },
  subscribe: { type: "string", multiple: true },
  relay: { type: "string", multiple: true },
  partition: { type: "string", multiple: true },
  tag: { type: "string", multiple: true },
} as const;

/** The one question of a command line; none, or several, are a {@link UsageError}. */
export function readQuestion(args: Arguments): Question {
  const options = { partitions: args.list("partition"), tags: readTags(args) };
  const questions: Question[] = args.flag("join") ? [{ what: "join", options }] : [];
  for (const what of endpoints) {
    for (const topic of args.list(what)) questions.push({ what, topic, options });
  }
  const [question, ...others] = questions;
  if (question === undefined || others.length > 0) {
    throw new UsageError("ask one question: --join, --topic, --publish, --subscribe or --relay TOPIC");
  }
  if (question.topic === "") throw new UsageError("a topic has a name");
  return question;
}

/** A question in words. */
export const wordsOf = ({ what, topic }: Question): string =>
  topic === undefined ? what : `${what} ${topic}`;

export function decide(access: Access, { what, topic = "", options }: Question): Decision {
  if (what === "join") return access.join();
  return what === "topic" ? access.topic(topic) : access[what](topic, options);
}
