import { connect } from "@parley/client";

/** Starts a session, says something, prints the reply as it grows, and returns it. */
export async function ask(url: string, question: string): Promise<string> {
  const hub = connect({ url });
  const { id } = await hub.rest.createSession({ title: "Quick start" });
  const session = hub.session(id);
  const reply = new Promise<string>((resolve) => {
    session.changes.listen(({ snapshot }) => {
      const last = snapshot?.messages.at(-1);
      if (last?.role === "agent") console.log(last.content);
      if (last?.role === "agent" && snapshot?.session.state === "COMPLETED") resolve(last.content);
    });
  });
  session.open();
  session.send({ content: question });
  return reply.finally(() => {
    session.close();
    hub.close();
  });
}
