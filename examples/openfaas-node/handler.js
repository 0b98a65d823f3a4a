// The function for OpenFaaS's own template node22: it requires this file, and @cifar/faas-handler is an ES module.

const loaded = import("@cifar/faas-handler");

/** @type {import("@cifar/faas-handler").Handler} */
module.exports = async (event, context) => (await loaded).handler(event, context);
