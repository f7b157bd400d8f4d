package org.simplepush.examples.embedspringboot;

import jakarta.servlet.Filter;
import java.nio.file.Path;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.EndpointServlet;

/** The servlet in Tomcat without Spring. */
class TomcatEndpointTest extends FilteredServletContract {
  @TempDir private static Path folder;

  private final Tomcat tomcat = new Tomcat();

  @Override
  void startContainer(EndpointServlet servlet) throws Exception {
    tomcat.setBaseDir(folder.toString());
    tomcat.setHostname("127.0.0.1");
    tomcat.setPort(0);
    // By default Tomcat takes the parameters only of POST.
    tomcat.getConnector().setParseBodyMethods("POST,PUT");
    tomcat.getConnector().setAsyncTimeout(100);
    Context context = tomcat.addContext("", folder.toString());
    Wrapper wrapper = Tomcat.addServlet(context, "endpoints", servlet);
    wrapper.setAsyncSupported(true);
    BodyFilters.byPrefix()
        .forEach(
            (prefix, filter) -> {
              wrapper.addMapping(prefix + "/update/*");
              addFilter(context, prefix, filter);
            });
    tomcat.start();
  }

  private static void addFilter(Context context, String prefix, Filter filter) {
    FilterDef definition = new FilterDef();
    definition.setFilterName(prefix);
    definition.setFilter(filter);
    definition.setAsyncSupported("true");
    context.addFilterDef(definition);
    FilterMap map = new FilterMap();
    map.setFilterName(prefix);
    map.addURLPattern(prefix + "/*");
    context.addFilterMap(map);
  }

  @Override
  void stopContainer() throws Exception {
    tomcat.stop();
    tomcat.destroy();
  }

  @Override
  int httpPort() {
    return tomcat.getConnector().getLocalPort();
  }
}
