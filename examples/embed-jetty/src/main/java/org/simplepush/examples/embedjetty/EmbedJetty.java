package org.simplepush.examples.embedjetty;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.NetworkConnector;
import org.eclipse.jetty.server.Server;
import org.simplepush.server.EndpointServlet;
import org.simplepush.server.PushServer;

/**
 * A push server whose endpoints live in a servlet container beside the rest of the application;
 * only devices have a port of their own.
 */
public final class EmbedJetty {
  private final Server jetty;
  private final PushServer push;

  /** Starts both; the endpoints begin with {@code publicUrl}, under which Jetty is reached. */
  public EmbedJetty(int httpPort, int webSocketPort, URI publicUrl) throws Exception {
    push =
        PushServer.builder()
            .port(webSocketPort)
            .noEndpointPort()
            .endpointUrl(publicUrl.resolve("/push"))
            .build()
            .start();
    ServletHolder endpoints = new ServletHolder(new EndpointServlet(push.endpointHandler()));
    endpoints.setAsyncSupported(true);
    ServletContextHandler context = new ServletContextHandler("/push");
    context.addServlet(endpoints, "/update/*");
    jetty = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), httpPort));
    jetty.setHandler(context);
    jetty.start();
  }

  /** Returns where devices connect to. */
  public URI webSocketUri() {
    return push.webSocketUri();
  }

  /** Returns where Jetty listens. */
  public int httpPort() {
    return ((NetworkConnector) jetty.getConnectors()[0]).getLocalPort();
  }

  /** Ends both. */
  public void stop() throws Exception {
    push.close();
    jetty.stop();
  }

  /** Runs until the process is told to stop. */
  public static void main(String[] args) throws Exception {
    EmbedJetty both = new EmbedJetty(8081, 8080, URI.create("http://127.0.0.1:8081"));
    System.out.println("Devices connect to " + both.webSocketUri());
    both.jetty.join();
  }
}
