package org.simplepush.examples.standalone;

import java.net.URI;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.PushServer;
import org.simplepush.server.WakeUp;
import org.simplepush.server.jetty.JettyEndpointServer;
import picocli.CommandLine.Option;

/** Where the server listens, and how it is reached. */
final class NetworkOptions extends Options {
  /** The HTTP server of the endpoint port. */
  enum HttpEngine {
    jetty,
    jdk
  }

  @Option(
      names = "--host",
      paramLabel = "H",
      defaultValue = "127.0.0.1",
      description = "Address to bind. Default ${DEFAULT-VALUE}.")
  private String host;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8080",
      description = "WebSocket port for devices, 0 is any free one. Default ${DEFAULT-VALUE}.")
  private int port;

  @Option(
      names = "--endpoint-port",
      paramLabel = "N",
      defaultValue = "8081",
      description = "HTTP port for application servers, 0 is any free one. Default 8081.")
  private int endpointPort;

  @Option(
      names = "--endpoint-server",
      paramLabel = "jetty|jdk",
      defaultValue = "jetty",
      description = "Which HTTP server answers there. Default ${DEFAULT-VALUE}.")
  private HttpEngine endpointServer;

  @Option(
      names = "--endpoint-url",
      paramLabel = "URL",
      description =
          "What endpoints begin with, seen from outside. Default http://host:endpoint-port.")
  private @Nullable URI endpointUrl;

  @Option(
      names = "--trusted-proxies",
      paramLabel = "CIDR[,CIDR]",
      description =
          "Networks of proxies whose X-Forwarded-For and PROXY headers are believed, like"
              + " 10.0.0.0/8. Default none.")
  private @Nullable String trustedProxies;

  @Option(
      names = "--allow-origin",
      paramLabel = "O[,O]",
      description =
          "Origins of web pages that may call endpoints, like https://app.example.org, or * for any."
              + " Default none.")
  private @Nullable String allowOrigin;

  @Option(
      names = "--wakeup",
      paramLabel = "CIDR[,CIDR]",
      description = "Networks whose devices are woken by UDP, like 10.0.0.0/8. Default off.")
  private @Nullable String wakeUp;

  NetworkOptions() {}

  @Override
  void applyTo(PushServer.Builder builder) {
    set("--host", host, builder::host);
    set("--port", port, builder::port);
    set("--endpoint-port", endpointPort, builder::endpointPort);
    if (endpointServer == HttpEngine.jetty) {
      builder.endpointServer(new JettyEndpointServer());
    }
    set("--endpoint-url", endpointUrl, builder::endpointUrl);
    set("--trusted-proxies", trustedProxies, list -> builder.trustedProxies(items(list)));
    set(
        "--allow-origin",
        allowOrigin,
        list -> builder.allowedOrigins(new HashSet<>(List.of(items(list)))));
    set("--wakeup", wakeUp, list -> builder.wakeUp(WakeUp.inNetworks(items(list))));
  }

  private static String[] items(String list) {
    return list.split(" *, *", -1);
  }
}
