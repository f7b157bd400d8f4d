"use strict";
const report = (event, text = "") => fetch("/report", { method: "POST", body: event + " " + text });

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", event => event.waitUntil(self.clients.claim()));

// A version carries no data: all there is to tell is that something is new, and on which endpoint.
self.addEventListener("push", event => event.waitUntil((async () => {
  const subscription = await self.registration.pushManager.getSubscription();
  await report("push", (event.data === null ? "" : "with data ") + subscription.endpoint);
})()));

// The server lost what it knew of this browser: register anew, as the protocol asks.
self.addEventListener("pushsubscriptionchange", event => event.waitUntil((async () => {
  await report("dropped");
  const subscription = await self.registration.pushManager.subscribe();
  await report("subscribed", subscription.endpoint);
})().catch(error => report("failed", String(error)))));
