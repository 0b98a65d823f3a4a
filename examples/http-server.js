// A server of one's own, here with Hono: POST a PNG or JPEG file, get what it shows.
//   PORT=3000 node http-server.js, then: curl --data-binary @picture.png http://127.0.0.1:3000/
import { CifarError, decodePicture, pretrained, toInput } from "@cifar/cifar";
import { createPredictor } from "@cifar/cnn";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";

const LIMIT = 2 ** 21;
const limit = bodyLimit({
  maxSize: LIMIT,
  onError: (context) => context.json({ error: `body too large: at most ${LIMIT} bytes` }, 413),
});

const { model, card } = await pretrained();
const predictor = await createPredictor(model, card);
const app = new Hono();
app.post("/", limit, async (context) => {
  const picture = decodePicture(new Uint8Array(await context.req.arrayBuffer()));
  const [answer] = await predictor.classify(toInput(picture, 32), { top: 3 });
  return context.json(answer);
});
app.onError((error, context) => {
  const status = error instanceof CifarError ? 422 : error instanceof HTTPException ? error.status : 500;
  return context.json({ error: error.message }, status);
});
serve({ fetch: app.fetch, port: Number(process.env["PORT"] ?? 3000), hostname: "127.0.0.1" }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}/`);
});
