package org.simplepush.examples.embedspringboot;

import jakarta.servlet.DispatcherType;
import java.util.EnumSet;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.simplepush.server.EndpointServlet;

/** The servlet in Jetty without Spring. */
class JettyEndpointTest extends FilteredServletContract {
  private final Server jetty = new Server();
  private final ServerConnector connector = new ServerConnector(jetty);

  @Override
  void startContainer(EndpointServlet servlet) throws Exception {
    connector.setHost("127.0.0.1");
    jetty.addConnector(connector);
    ServletContextHandler context = new ServletContextHandler("/");
    ServletHolder holder = new ServletHolder(servlet);
    holder.setAsyncSupported(true);
    BodyFilters.byPrefix()
        .forEach(
            (prefix, filter) -> {
              context.addServlet(holder, prefix + "/update/*");
              FilterHolder filtering = new FilterHolder(filter);
              filtering.setAsyncSupported(true);
              context.addFilter(filtering, prefix + "/*", EnumSet.of(DispatcherType.REQUEST));
            });
    jetty.setHandler(context);
    jetty.start();
  }

  @Override
  void stopContainer() throws Exception {
    jetty.stop();
  }

  @Override
  int httpPort() {
    return connector.getLocalPort();
  }
}
