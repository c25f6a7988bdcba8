SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
  // Nothing leaves this origin: no external validator, no document URL from the query.
  validatorUrl: null,
  queryConfigEnabled: false,
  // The refresh cookie is accepted only with this header.
  requestInterceptor: (request) => {
    request.headers["X-Requested-With"] = "docs";
    return request;
  },
});
