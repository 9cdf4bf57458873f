// Verifies tokens with jose (npm), an implementation that shares nothing with ours.
// argv: the folder of the package. stdin: {jwks, issuer, audience, now, tokens}. stdout: a list of {payload} or {error}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.argv[2]}/`));
const { createLocalJWKSet, jwtVerify } = await import(pathToFileURL(require.resolve("jose")));

const { jwks, issuer, audience, now, tokens } = JSON.parse(readFileSync(0, "utf8"));
const keys = createLocalJWKSet(jwks);
const options = { issuer, audience, typ: "at+jwt", currentDate: new Date(now * 1000), requiredClaims: ["exp", "jti"] };

const found = [];
for (const token of tokens) {
  try {
    found.push({ payload: (await jwtVerify(token, keys, options)).payload });
  } catch (error) {
    found.push({ error: error.code ?? String(error) });
  }
}
process.stdout.write(JSON.stringify(found));
