/** Which node a relative name belongs to. */
export interface RosNode {
  /** Without a slash at its end: "" for the root. */
  readonly namespace: string;
  readonly node: string;
}

/** The full name (ROS 2 design, Topic and Service name mapping to DDS): `~/x` is the node's own, `x` its namespace's. */
export function resolveName(name: string, { namespace, node }: RosNode): string {
  if (name.startsWith("/")) return name;
  if (name.startsWith("~")) return `${namespace}/${node}/${name.replace(/^~\/?/, "")}`;
  return `${namespace}/${name}`;
}

export const topicName = (name: string): string => `rt${name}`;

/** A service is two topics, with the request going one way and the reply the other. */
export const serviceTopics = (name: string) => ({
  request: [`rq${name}Request`],
  reply: [`rr${name}Reply`],
});

/** An action is three services and two topics. */
export function actionTopics(name: string) {
  const services = ["cancel_goal", "get_result", "send_goal"].map((service) =>
    serviceTopics(`${name}/_action/${service}`),
  );
  return {
    request: services.flatMap(({ request }) => request),
    reply: services.flatMap(({ reply }) => reply),
    feedback: ["feedback", "status"].map((topic) => topicName(`${name}/_action/${topic}`)),
  };
}
