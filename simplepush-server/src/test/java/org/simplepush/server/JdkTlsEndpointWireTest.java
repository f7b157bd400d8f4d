package org.simplepush.server;

import java.nio.file.Path;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.TestServers;

/** The endpoint on the HTTP server of the JDK behind TLS; devices connect without. */
class JdkTlsEndpointWireTest extends EndpointWireTest {
  @TempDir private static Path folder;

  private SSLContext tls;

  @BeforeAll
  @Override
  void startServer() throws Exception {
    tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    super.startServer();
  }

  @Override
  PushServer.Builder server() {
    return TestServers.server()
        .endpointServer(
            (binding, handler) ->
                TestServers.ENDPOINT_SERVERS
                    .get(0)
                    .start(
                        new EndpointServer.Binding(
                            binding.address(), tls, binding.name(), binding.limits()),
                        handler));
  }

  @Override
  PushServer.Builder impatientServer() {
    return server();
  }

  @Override
  RawHttp connect(int endpointPort) throws Exception {
    return RawHttp.connectTls(endpointPort, tls);
  }
}
