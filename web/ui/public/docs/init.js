// A file of its own: the server's content security policy refuses inline scripts.
SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  // The default asks a public validator about the document; this page talks to its own server only.
  validatorUrl: null,
});
