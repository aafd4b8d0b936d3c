"use strict";

window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/api/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    // By default it would send our description to a validator elsewhere.
    validatorUrl: null,
  });
});
