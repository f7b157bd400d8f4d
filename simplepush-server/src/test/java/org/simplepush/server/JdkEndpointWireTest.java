package org.simplepush.server;

import org.simplepush.server.fixtures.TestServers;

/** The endpoint on the HTTP server of the JDK, which is the default. */
class JdkEndpointWireTest extends EndpointWireTest {
  @Override
  PushServer.Builder server() {
    return TestServers.server();
  }

  /** The build sets how long a request may take: the JDK knows no setting for one server. */
  @Override
  PushServer.Builder impatientServer() {
    return TestServers.server();
  }
}
