package org.simplepush.server;

import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Path;
import javax.net.ssl.SSLContext;
import org.simplepush.server.jetty.JettyEndpointServer;
import org.simplepush.server.sqlite.SqliteVersionStore;

/** An application, run by {@link OptionalJarsTest} in a class loader of its own. */
public final class OptionalJarsUser {
  private OptionalJarsUser() {}

  /** Starts a server with the defaults and asks it something; returns the status. */
  public static int serve() throws Exception {
    try (PushServer server = PushServer.builder().port(0).endpointPort(0).build().start()) {
      return status(server);
    }
  }

  /** The same with Jetty. */
  public static int serveWithJetty(Boolean tls) throws Exception {
    PushServer.Builder builder =
        PushServer.builder().port(0).endpointPort(0).endpointServer(new JettyEndpointServer());
    if (tls) {
      builder.tls(SSLContext.getDefault());
    }
    try (PushServer server = builder.build().start()) {
      return status(server);
    }
  }

  private static int status(PushServer server) throws Exception {
    URI uri = server.endpointUrl().resolve("/update/x");
    return ((HttpURLConnection) uri.toURL().openConnection()).getResponseCode();
  }

  /** Opens a store. */
  public static void openSqlite(String path) throws Exception {
    SqliteVersionStore.open(Path.of(path)).close();
  }
}
