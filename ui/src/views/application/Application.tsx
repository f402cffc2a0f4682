export default function Application() { return <p data-ready>Application</p>; }
