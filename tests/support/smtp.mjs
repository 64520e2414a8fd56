// A server for mail on loopback, for tests: prints its port, then each message that it takes as a
// line of JSON. Ends when its input does.
//
// Arguments as JSON: `user` and `password` that it asks for, if any; `tls` to offer STARTTLS with
// a certificate that nobody trusts. Recipients make it fail: busy@ for the first time (451),
// never@ always (550), stall@ is never answered.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tools/package.json", import.meta.url));
const { SMTPServer } = require("smtp-server");

const options = JSON.parse(process.argv[2]);
const refuse = (code, text) => Object.assign(new Error(text), { responseCode: code });
let wasBusy = false;

const server = new SMTPServer({
  authOptional: !options.user,
  disabledCommands: options.tls ? [] : ["STARTTLS"],
  allowInsecureAuth: true,
  disableReverseLookup: true,
  logger: false,
  onAuth(auth, session, done) {
    const matches = auth.username === options.user && auth.password === options.password;
    // As some servers do, it repeats what it was told: that must not get further.
    done(...(matches ? [null, { user: auth.username }] : [refuse(535, `no: ${auth.password}`)]));
  },
  onRcptTo(address, session, done) {
    const name = address.address.split("@")[0];
    if (name === "stall") return;
    if (name === "never") return done(refuse(550, "no such mailbox"));
    if (name === "busy" && !wasBusy) {
      wasBusy = true;
      return done(refuse(451, "try later"));
    }
    done();
  },
  onData(stream, session, done) {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => {
      const { mailFrom, rcptTo } = session.envelope;
      const message = {
        from: mailFrom.address,
        to: rcptTo.map((address) => address.address),
        user: session.user ?? "",
        text: Buffer.concat(chunks).toString("utf8"),
      };
      process.stdout.write(`${JSON.stringify(message)}\n`);
      done();
    });
  },
});

// A client that gives up, or does not trust the certificate, is no failure of the server.
server.on("error", () => {});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.server.address().port}\n`));
process.stdin.on("close", () => process.exit(0));
process.stdin.resume();
